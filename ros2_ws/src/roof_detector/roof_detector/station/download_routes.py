# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Downloads: uploaded files, results and flights, whole or as previews."""

from __future__ import annotations

import asyncio
import os
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from fastapi import FastAPI, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from roof_detector.inputs.image_decoding import decode_image
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders, files_below, open_below
from roof_detector.station.jobs.job import JobState
from roof_detector.station.jobs.job_results import result_files
from roof_detector.station.preview import encoded_jpeg
from roof_detector.station.zip_stream import zipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from roof_detector.station.flight_store import FlightStore
    from roof_detector.station.jobs.job_queue import JobQueue

_PREVIEW_QUALITY = 85
# Decoding an image may need a gigabyte.
_PREVIEWS_AT_A_TIME = 2
# Already compressed, and range requests need the file as it is.
_HEADERS = {'Content-Encoding': 'identity', 'Cache-Control': 'private, max-age=60'}


def add_download_routes(
    app: FastAPI, *, folders: StationFolders, queue: JobQueue, flights: FlightStore
) -> None:
    """Serve files and zips of jobs below /jobs/<id>/, and of flights at /flights/<name>/zip."""
    previews = asyncio.Semaphore(_PREVIEWS_AT_A_TIME)

    @app.get('/jobs/{job_id}/zip')
    async def results(job_id: str) -> Response:
        """Respond with all results of a job as a zip."""
        job = queue.job(job_id)
        files = await asyncio.to_thread(result_files, job.folder)
        names = [path.relative_to(job.folder).as_posix() for path in files]
        return zip_response(names, root=job.folder, name=Path(job.request.title).stem)

    @app.get('/flights/{name}/zip')
    async def flight(name: str) -> Response:
        """Respond with a flight as a zip."""
        found = await asyncio.to_thread(flights.flight, name)
        names = [f'{found.name}/{file}' for file in await asyncio.to_thread(_names, found.path)]
        return zip_response(names, root=found.path.parent, name=name)

    @app.get('/jobs/{job_id}/{side}/{name:path}')
    async def file(
        job_id: str,
        side: str,
        name: str,
        width: int = Query(0, ge=0, le=8192),
        download: bool = False,  # noqa: FBT001, FBT002 - a query parameter
    ) -> Response:
        """Respond with a file, or with a preview of an image as a JPEG of this width."""
        job = queue.job(job_id)
        folder = {'before': folders.uploads / job.id, 'after': job.folder}.get(side)
        if folder is None:
            msg = f'A job has no {side!r}, only before and after.'
            raise StationError(msg, status=404)
        opened = open_below(folder, name)
        if not width:
            return OpenFileResponse(opened, name=Path(name).name, download=download)
        with opened:
            if job.state != JobState.DONE:  # decode only what the job's own process has survived
                msg = 'Images are shown when the job is done.'
                raise StationError(msg, status=404)
            async with previews:
                jpeg = await asyncio.to_thread(_preview, opened, Path(name), width)
        return Response(jpeg, media_type='image/jpeg', headers=_HEADERS)


class OpenFileResponse(FileResponse):
    """A response with an open file, so that the file that was checked is the one that is sent.

    A browser shows images and videos, and saves everything else, which might run code.
    """

    def __init__(self, file: BinaryIO, *, name: str, download: bool) -> None:
        kind = guess_type(name)[0] or ''
        is_shown = kind.startswith(('image/', 'video/')) and 'svg' not in kind
        super().__init__(
            f'/proc/self/fd/{file.fileno()}',
            filename=name,
            content_disposition_type='inline' if is_shown and not download else 'attachment',
            headers=_HEADERS,
            stat_result=os.fstat(file.fileno()),
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file and close it."""
        with self._file:
            await super().__call__(scope, receive, send)


def zip_response(names: Iterable[str], *, root: Path, name: str) -> Response:
    """Return a response that makes a zip of files while it is sent."""
    headers = {'Content-Disposition': f"attachment; filename*=UTF-8''{quote(name)}.zip"}
    return StreamingResponse(
        zipped(names, root=root), media_type='application/zip', headers=_HEADERS | headers
    )


def _names(folder: Path) -> list[str]:
    return [name.as_posix() for name in files_below(folder)]


def _preview(file: BinaryIO, path: Path, width: int) -> bytes:
    return encoded_jpeg(decode_image(file.read(), path), width=width, quality=_PREVIEW_QUALITY)
