# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP routes of the zones and the area that people draw."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI  # noqa: TC002 - FastAPI looks at the annotations
from pydantic import BaseModel, Field

from roof_detector.station.review.drawn_outlines import (
    OutlineKind,
    read_outlines,
    save_outlines,
)

if TYPE_CHECKING:
    from roof_detector.station.review.review_boards import ReviewBoards


class SavedOutlines(BaseModel):
    """All zones, or the area, as a person drew them over those of the version `based_on`."""

    who: str = Field(max_length=80)
    based_on: str = Field(max_length=64)
    features: list[dict[str, Any]]


def add_outline_routes(app: FastAPI, boards: ReviewBoards) -> None:
    """Serve /review/<group>/<name>/outlines and what is below it."""

    @app.get('/review/{group}/{name}/outlines')
    async def outlines(group: str, name: str) -> dict[str, Any]:
        """Respond with the zones and the area that people drew."""
        folder = boards.find(group, name).inspection.path.parent
        return {
            kind.value: (await asyncio.to_thread(read_outlines, folder, kind)).row()
            for kind in OutlineKind
        }

    @app.post('/review/{group}/{name}/outlines/{kind}')
    async def draw(
        group: str, name: str, kind: OutlineKind, given: SavedOutlines
    ) -> dict[str, Any]:
        """Save what a person drew; it is on the disk when the response is sent."""
        folder = boards.find(group, name).inspection.path.parent
        saved = await asyncio.to_thread(
            save_outlines, folder, kind, given.features, who=given.who, based_on=given.based_on
        )
        return saved.row()
