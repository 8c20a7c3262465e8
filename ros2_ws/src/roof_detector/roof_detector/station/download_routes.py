# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the page fetches over HTTP: uploaded and resulting files, small or whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from roof_detector.sources.pictures import read_picture
from roof_detector.station.errors import StationError
from roof_detector.station.flight_shelf import FlightShelf
from roof_detector.station.folders import StationFolders, inside
from roof_detector.station.jobs.job import DONE
from roof_detector.station.jobs.job_queue import JobQueue
from roof_detector.station.jobs.job_results import result_files
from roof_detector.station.preview import encoded_jpeg
from roof_detector.station.zip_stream import zipped

_PREVIEW_QUALITY = 85
# A picture may need a gigabyte to be decoded.
_PREVIEWS_AT_A_TIME = 2
# Already compressed, and a part of a file can be asked for only if it is sent as it is.
_HEADERS = {'Content-Encoding': 'identity', 'Cache-Control': 'private, max-age=60'}


def add_download_routes(
    app: FastAPI, *, folders: StationFolders, queue: JobQueue, flights: FlightShelf
) -> None:
    """Serve files and zips of jobs below /jobs/<id>/, and of flights at /flights/<name>/zip."""
    previews = asyncio.Semaphore(_PREVIEWS_AT_A_TIME)

    @app.get('/jobs/{job_id}/zip')
    async def everything(job_id: str) -> Response:
        """Answer with all results of a job as one zip."""
        job = queue.job(job_id)
        files = await asyncio.to_thread(result_files, job.folder)
        return zip_response(files, root=job.folder, name=Path(job.order.title).stem)

    @app.get('/flights/{name}/zip')
    async def flight(name: str) -> Response:
        """Answer with a flight as one zip."""
        found = await asyncio.to_thread(flights.flight, name)
        files = sorted(path for path in found.path.iterdir() if path.is_file())
        return zip_response(files, root=found.path.parent, name=name)

    @app.get('/jobs/{job_id}/{side}/{name:path}')
    async def file(
        job_id: str,
        side: str,
        name: str,
        width: int = Query(0, ge=0, le=8192),
        download: bool = False,  # noqa: FBT001, FBT002 - a word of the address
    ) -> Response:
        """Answer with a file, or with a picture as a JPEG of a width."""
        job = queue.job(job_id)
        folder = {'before': folders.uploads / job.id, 'after': job.folder}.get(side)
        if folder is None:
            raise StationError(f'There is no {side!r} of a job.', status=404)
        path = inside(folder, name)
        if not width:
            kind = 'attachment' if download else 'inline'
            return FileResponse(
                path, filename=path.name, content_disposition_type=kind, headers=_HEADERS
            )
        if job.state != DONE:  # only what the job's own process survived is decoded here
            raise StationError('Pictures are shown when the job is done.', status=404)
        async with previews:
            jpeg = await asyncio.to_thread(_preview, path, width)
        return Response(jpeg, media_type='image/jpeg', headers=_HEADERS)


def zip_response(files: Iterable[Path], *, root: Path, name: str) -> Response:
    """Return an answer that makes a zip of files while it is sent."""
    headers = {'Content-Disposition': f"attachment; filename*=UTF-8''{quote(name)}.zip"}
    return StreamingResponse(
        zipped(files, root=root), media_type='application/zip', headers=_HEADERS | headers
    )


def _preview(path: Path, width: int) -> bytes:
    return encoded_jpeg(read_picture(path), width=width, quality=_PREVIEW_QUALITY)
