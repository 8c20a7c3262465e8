# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How much the station keeps going: what must not grow while pages come and go."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from nicegui import Client

from roof_detector.station.robot import Robot


def add_load_route(app: FastAPI, robot: Robot) -> None:
    """Serve /load: pages, tasks, and requests and subscriptions for pictures."""

    @app.get('/load')
    async def load() -> dict[str, int]:
        return {
            'pages': len(Client.instances),
            'tasks': len(asyncio.all_tasks()),
            'waiting': sum(camera.video.waiting for camera in robot.cameras),
            'subscriptions': len(list(robot.node.subscriptions)),
        }
