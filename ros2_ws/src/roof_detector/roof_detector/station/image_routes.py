# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP routes of images: a camera's newest frame and a finding's thumbnail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Query, Response

if TYPE_CHECKING:
    from roof_detector.station.ros_bridge import RosBridge

# JPEGs do not get smaller by another compression.
_JPEG_HEADERS = {'Cache-Control': 'no-store', 'Content-Encoding': 'identity'}


def add_image_routes(app: FastAPI, bridge: RosBridge) -> None:
    """Serve /video and /thumbnail."""

    @app.get('/video')
    async def video(
        camera: str = '',
        after: int = 0,
        width: int = Query(0, ge=0, le=8192),
        quality: int = Query(70, ge=1, le=100),
    ) -> Response:
        """Respond with the first frame after number `after`; 204 if none comes."""
        link = bridge.camera(camera)
        if link is None:
            return Response(status_code=404)
        number, jpeg, stamp_ns = await link.video.after(after, width=width, quality=quality)
        if not jpeg:
            return Response(status_code=204)
        headers = {'X-Sequence': str(number), 'X-Stamp': str(stamp_ns), **_JPEG_HEADERS}
        return Response(jpeg, media_type='image/jpeg', headers=headers)

    @app.get('/thumbnail')
    async def thumbnail(camera: str, number: int) -> Response:
        """Respond with a finding's thumbnail; 404 if there is none."""
        link = bridge.camera(camera)
        jpeg = b'' if link is None else link.log.thumbnail(number)
        if not jpeg:
            return Response(status_code=404)
        return Response(jpeg, media_type='image/jpeg', headers=_JPEG_HEADERS)
