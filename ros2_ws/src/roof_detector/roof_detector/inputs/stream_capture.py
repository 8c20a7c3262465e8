# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames of a stream of the network, decoded as those of video files are."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
from av.error import FFmpegError

from roof_detector.inputs.errors import CaptureError
from roof_detector.inputs.video_frame import FrameConverter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# FFmpeg waits 30 s by default; a camera that hangs must be noticed within a few frames.
_TIMEOUT_S = 5.0
# Never a file: a playlist from the network could name one.
_PROTOCOLS = 'rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,rtmp,rtmps,crypto'
_DAMAGED = (FFmpegError, OSError, ValueError)


class StreamCapture:
    """An open stream with the methods of cv2.VideoCapture that a live input calls.

    Colours, orientation and the shape of pixels are those of `FrameConverter`, as in video files.
    """

    def __init__(self, url: str, *, name: str) -> None:
        try:
            self._container = av.open(
                url,
                timeout=(_TIMEOUT_S, _TIMEOUT_S),
                metadata_errors='replace',
                container_options={
                    'protocol_whitelist': _PROTOCOLS,
                    # What is read to guess the rate would be shown late.
                    'fpsprobesize': '0',
                    # Packets of UDP that are lost or late cost whole frames.
                    **({'rtsp_transport': 'tcp'} if url.lower().startswith('rtsp') else {}),
                },
            )
        except _DAMAGED as error:
            msg = (
                f'The stream {name} does not open: check that the camera is on, the network '
                'reaches it, and the path, user and password are right.'
            )
            raise CaptureError(msg) from error
        if not self._container.streams.video:
            self._container.close()
            msg = f'The stream {name} has no video; check its path.'
            raise CaptureError(msg)
        self._stream = self._container.streams.video[0]
        # Threads by frame would hold back as many; with threads by slice lost parts of H.264 stay
        # as they were in another frame.
        self._stream.codec_context.thread_count = 1
        aspect = self._stream.sample_aspect_ratio
        self._converter = FrameConverter(aspect=Fraction(aspect) if aspect else None)
        self._images = self._decoded()

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Return whether there is a next frame, and its image (height, width, 3)."""
        image = next(self._images, None)
        return image is not None, image

    def get(self, prop: int) -> float:
        """Return the mean frame rate for cv2.CAP_PROP_FPS, 0 for all else and where unknown."""
        rate = self._stream.average_rate  # the guessed one counts the fields of H.264
        return float(rate) if prop == cv2.CAP_PROP_FPS and rate else 0.0

    def release(self) -> None:
        """Close the stream."""
        self._container.close()

    def _decoded(self) -> Iterator[NDArray[np.uint8]]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    images = [
                        image
                        for frame in packet.decode()
                        for _, image in self._converter.images(frame)
                    ]
                except _DAMAGED:  # the next key frame is whole again
                    continue
                yield from images
        except _DAMAGED:
            return
