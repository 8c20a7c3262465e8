# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Uploads: images, videos, models and inspections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse

from roof_detector.station.errors import StationError
from roof_detector.station.jobs.job import JobRequest
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from roof_detector.station.jobs.job_queue import JobQueue
    from roof_detector.station.language import Language
    from roof_detector.station.model_store import ModelStore
    from roof_detector.station.review.received_inspections import ReceivedInspections
    from roof_detector.station.uploads import Uploads

_DEFAULTS = Thresholds()


def add_upload_routes(
    app: FastAPI,
    *,
    uploads: Uploads,
    queue: JobQueue,
    models: ModelStore,
    received: ReceivedInspections,
    text: Language,
) -> None:
    """Add /uploads, which collects files and makes a job of them, /models and /inspections."""

    @app.exception_handler(StationError)
    async def refuse(_: Request, error: StationError) -> Response:
        return PlainTextResponse(str(error), status_code=error.status)

    @app.post('/uploads')
    async def begin() -> dict[str, str]:
        return {'id': uploads.begin()}

    @app.post('/uploads/{upload_id}/files')
    async def add_file(
        request: Request, upload_id: str, name: str = Query(min_length=1, max_length=500)
    ) -> dict[str, str]:
        """Store one file; the body is its content."""
        size_bytes = int(request.headers.get('content-length', '0'))
        await uploads.add(upload_id, name, request.stream(), size_bytes=size_bytes)
        return {'name': name}

    @app.post('/uploads/{upload_id}/job')
    async def finish(
        upload_id: str,
        model: str,
        confidence: float = Query(_DEFAULTS.confidence, ge=0, le=1),
        iou: float = Query(_DEFAULTS.iou, ge=0, le=1),
    ) -> dict[str, str]:
        """Queue a job for the uploaded files."""
        models.check(model)
        upload = uploads.finish(upload_id)
        job_request = JobRequest(
            kind='images' if upload.kind == 'image' else 'video',
            title=upload.title,
            source=str(upload.source),
            model=model,
            confidence=confidence,
            iou=iou,
        )
        return {'id': queue.add(job_request, job_id=upload_id).id}

    @app.post('/models')
    async def add_model(
        request: Request, name: str = Query(min_length=1, max_length=500)
    ) -> dict[str, str]:
        """Store a model if it loads; respond with a message about it."""
        model = await models.add(
            name,
            request.stream(),
            size_bytes=int(request.headers.get('content-length', '0')),
        )
        task = text('task_segment' if model.task == 'segment' else 'task_detect')
        classes = ', '.join(model.classes)
        return {'message': text('model_added', name=model.path.name, task=task, classes=classes)}

    @app.post('/inspections')
    async def add_inspection(
        request: Request, name: str = Query(min_length=1, max_length=500)
    ) -> dict[str, str]:
        """Store an inspection.gpkg; respond with a message about it."""
        called, counts = await received.add(
            name,
            request.stream(),
            size_bytes=int(request.headers.get('content-length', '0')),
        )
        message = text(
            'inspection_added',
            name=called,
            findings=counts['shown'],
            decisions=counts['decisions'],
        )
        return {'message': message}
