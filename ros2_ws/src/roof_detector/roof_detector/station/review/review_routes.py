# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP routes of the review: its page, what changed, images, and decisions."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID  # noqa: TC003 - pydantic needs it at run time

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from roof_detector.findings.decisions import DecisionKind  # noqa: TC001 - pydantic needs it
from roof_detector.findings.errors import FindingsError
from roof_detector.station.errors import StationError
from roof_detector.station.review.coverage_image import read_coverage
from roof_detector.station.review.map_layers import map_layers, mosaic_webp
from roof_detector.station.review.outline_routes import add_outline_routes
from roof_detector.station.review.review_page import review_page
from roof_detector.station.review.sightings import (
    best_sighting,
    read_sighting,
    read_sightings,
)

if TYPE_CHECKING:
    from roof_detector.station.review.review_boards import ReviewBoards

# A page asks again after this long without news; a request may take 30 s.
_WAIT_S, _LOOK_EVERY_S = 15.0, 0.3
_MOST_ITEMS = 5000
_JPEG = {'Content-Encoding': 'identity', 'Cache-Control': 'private, max-age=600'}


class DecidedItem(BaseModel):
    """One decision of a page about the finding of this identity."""

    uuid: UUID
    kind: DecisionKind
    value: str = Field(default='', max_length=2000)


class DecidedAct(BaseModel):
    """What a person decided at once: about findings, or which decisions to take back.

    `act` is the page's own name for it: sent again, after an answer got lost, it counts once.
    """

    who: str = Field(max_length=80)
    act: str = Field(min_length=8, max_length=64)
    items: list[DecidedItem] = Field(default=[], max_length=_MOST_ITEMS)
    undo: bool = False
    serials: list[int] = Field(default=[], max_length=_MOST_ITEMS)


def add_review_routes(app: FastAPI, boards: ReviewBoards) -> None:
    """Serve /review/<group>/<name> and what is below it."""
    add_outline_routes(app, boards)

    @app.exception_handler(FindingsError)
    async def refuse(_: Request, error: FindingsError) -> Response:
        text = str(error)
        if 'Another program' in text:  # it writes: the page sends its request again
            return PlainTextResponse(text, status_code=503, headers={'Retry-After': '1'})
        return PlainTextResponse(text, status_code=409)

    @app.get('/review/{group}/{name}')
    async def page(group: str, name: str) -> Response:
        """Respond with the page, which then asks for everything else."""
        boards.find(group, name)
        return HTMLResponse(review_page(boards.text, name), headers={'Cache-Control': 'no-cache'})

    @app.get('/review/{group}/{name}/state')
    async def state(
        request: Request,
        group: str,
        name: str,
        since: str = Query('', max_length=64),
        wait: int = 0,
    ) -> Response:
        """Respond with what is new, at once or when something changes; 204 if nothing does."""
        board = boards.find(group, name)
        until_s = time.monotonic() + (_WAIT_S if wait else 0)
        while not board.is_changed(since):
            if time.monotonic() >= until_s or await request.is_disconnected():
                return Response(status_code=204)
            await asyncio.sleep(_LOOK_EVERY_S)
        return JSONResponse(await asyncio.to_thread(board.changes, since))

    @app.get('/review/{group}/{name}/sightings/{number}')
    async def sightings(group: str, name: str, number: int) -> dict[str, Any]:
        """Respond with the sightings of a finding."""
        board = boards.find(group, name)
        found, count = await asyncio.to_thread(
            read_sightings, board.inspection.path, board.members(number)
        )
        return {'sightings': [one.row() for one in found], 'count': count}

    @app.get('/review/{group}/{name}/thumbnail/{number}')
    async def thumbnail(group: str, name: str, number: int) -> Response:
        """Respond with the thumbnail of a finding, at most 4 kB."""
        board, images = boards.find(group, name), boards.images(group, name)
        members = board.members(number)

        def made() -> bytes:
            return images.jpeg(best_sighting(board.inspection.path, members), 'thumbnail')

        jpeg = await asyncio.to_thread(made)
        return Response(jpeg, media_type='image/jpeg', headers=_JPEG)

    @app.get('/review/{group}/{name}/image/{fid}')
    async def image(
        group: str, name: str, fid: int, kind: Literal['crop', 'context'] = 'crop'
    ) -> Response:
        """Respond with a sighting's crop, or its whole image with the box."""
        board, images = boards.find(group, name), boards.images(group, name)

        def made() -> bytes:
            return images.jpeg(read_sighting(board.inspection.path, fid), kind)

        jpeg = await asyncio.to_thread(made)
        return Response(jpeg, media_type='image/jpeg', headers=_JPEG)

    @app.get('/review/{group}/{name}/layers')
    async def layers(group: str, name: str) -> dict[str, Any]:
        """Respond with the other layers of the map."""
        return await asyncio.to_thread(map_layers, boards.find(group, name).inspection.path)

    @app.get('/review/{group}/{name}/mosaic')
    async def mosaic(group: str, name: str) -> Response:
        """Respond with the mosaic of the roof."""
        folder = boards.find(group, name).inspection.path.parent
        webp = await asyncio.to_thread(mosaic_webp, folder)
        return Response(webp, media_type='image/webp', headers=_JPEG)

    @app.get('/review/{group}/{name}/coverage')
    async def coverage(group: str, name: str) -> Response:
        """Respond with how well each part of the roof was seen."""
        image = await asyncio.to_thread(read_coverage, boards.find(group, name).inspection.path)
        if image is None:
            return Response(status_code=404)
        return Response(image.png(), media_type='image/png', headers={'Cache-Control': 'no-cache'})

    @app.post('/review/{group}/{name}/decisions')
    async def decide(group: str, name: str, given: DecidedAct) -> dict[str, str]:
        """Write decisions; they are on the disk when the response is sent."""
        board = boards.find(group, name)
        if not (given.items or given.undo or given.serials):
            msg = 'Nothing is decided: give findings, or decisions to take back.'
            raise StationError(msg)
        await boards.once(
            given.act,
            lambda: (
                board.decide(given.who, [(one.uuid, one.kind, one.value) for one in given.items])
                if given.items
                else board.undo(given.who, given.serials)
            ),
        )
        return {'act': given.act}
