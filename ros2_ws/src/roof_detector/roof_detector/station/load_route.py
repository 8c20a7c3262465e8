# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP routes with the load of the station, which must not grow as pages come and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import Client

if TYPE_CHECKING:
    from fastapi import FastAPI

    from roof_detector.station.connection_table import ConnectionTable
    from roof_detector.station.refusal_log import RefusalLog
    from roof_detector.station.ros_bridge import RosBridge


def add_load_route(
    app: FastAPI, bridge: RosBridge, *, table: ConnectionTable, log: RefusalLog
) -> None:
    """Add /load (pages, tasks, waiting requests, subscriptions) and /refused (refusals)."""

    @app.get('/load')
    async def load() -> dict[str, int]:
        return {
            'pages': len(Client.instances),
            'tasks': len(asyncio.all_tasks()),
            'waiting': sum(camera.video.waiting for camera in bridge.cameras),
            'subscriptions': len(list(bridge.node.subscriptions)),
        }

    @app.get('/refused')
    async def refused() -> dict[str, dict[str, int]]:
        return {'refused': dict(log.counts), 'connections': table.counts}
