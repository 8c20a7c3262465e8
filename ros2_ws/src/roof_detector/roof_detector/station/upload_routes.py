# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the page sends over HTTP: pictures, videos and models."""

from __future__ import annotations

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse

from roof_detector.station.errors import StationError
from roof_detector.station.jobs.job import JobOrder
from roof_detector.station.jobs.job_queue import JobQueue
from roof_detector.station.language import Language
from roof_detector.station.model_store import ModelStore
from roof_detector.station.uploads import Uploads
from roof_detector.vision.thresholds import Thresholds

_USUAL = Thresholds()


def add_upload_routes(
    app: FastAPI, *, uploads: Uploads, queue: JobQueue, models: ModelStore, text: Language
) -> None:
    """Serve /uploads: begin one, send its files as they are, make a job of it; and /models."""

    @app.exception_handler(StationError)
    async def refuse(_: Request, error: StationError) -> Response:
        return PlainTextResponse(str(error), status_code=error.status)

    @app.post('/uploads')
    async def begin() -> dict[str, str]:
        return {'id': uploads.begin()}

    @app.post('/uploads/{upload_id}/files')
    async def take(
        request: Request, upload_id: str, name: str = Query(min_length=1, max_length=500)
    ) -> dict[str, str]:
        """Take one file: the body is its content."""
        size_bytes = int(request.headers.get('content-length', '0'))
        await uploads.take(upload_id, name, request.stream(), size_bytes=size_bytes)
        return {'name': name}

    @app.post('/uploads/{upload_id}/job')
    async def finish(
        upload_id: str,
        model: str,
        confidence: float = Query(_USUAL.confidence, ge=0, le=1),
        iou: float = Query(_USUAL.iou, ge=0, le=1),
    ) -> dict[str, str]:
        """Queue what was sent."""
        models.check(model)
        upload = uploads.finish(upload_id)
        order = JobOrder(
            kind='pictures' if upload.kind == 'picture' else upload.kind,
            title=upload.title,
            source=str(upload.source),
            model=model,
            confidence=confidence,
            iou=iou,
        )
        return {'id': queue.add(order, job_id=upload_id).id}

    @app.post('/models')
    async def take_model(
        request: Request, name: str = Query(min_length=1, max_length=500)
    ) -> dict[str, str]:
        """Take a model in, if it loads; answer with what it turned out to be."""
        model = await models.take(
            name,
            request.stream(),
            size_bytes=int(request.headers.get('content-length', '0')),
        )
        task = text('task_segment' if model.task == 'segment' else 'task_detect')
        classes = ', '.join(model.classes)
        return {'said': text('model_taken', name=model.path.name, task=task, classes=classes)}
