# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Opens cameras of this computer and streams of the network."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import cv2

from roof_detector.inputs.addresses import without_password
from roof_detector.inputs.errors import CaptureError, InputError
from roof_detector.inputs.stream_capture import StreamCapture


@dataclass(frozen=True, kw_only=True)
class V4l2Camera:
    """A camera of this computer, by its device file.

    `size_wh` and `pixel_format` (four letters, such as MJPG) are requested from the driver, which
    may choose the nearest that it supports; its default is often 640x480.
    """

    path: Path
    size_wh: tuple[int, int] | None = None
    pixel_format: str = ''
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        if self.pixel_format and not re.fullmatch(r'[A-Z0-9]{4}', self.pixel_format):
            msg = f'pixel_format is {self.pixel_format!r}, expected four letters such as MJPG.'
            raise InputError(msg)

    @property
    def name(self) -> str:
        """Return the name of the camera for people."""
        return str(self.path)

    def open(self) -> cv2.VideoCapture:
        """Open the camera, or raise CaptureError."""
        self._check_device()
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_V4L2)
        if not capture.isOpened():
            msg = (
                f'{self.path} does not open as a camera: another program may hold it '
                f"('fuser {self.path}' shows which), or it is not the camera's image device."
            )
            raise CaptureError(msg)
        # One buffer: a frame that waits in the driver is an old frame.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if self.pixel_format:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self.pixel_format))
        if self.size_wh is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self.size_wh[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size_wh[1])
        if self.rate_hz is not None:
            capture.set(cv2.CAP_PROP_FPS, self.rate_hz)
        return capture

    def _check_device(self) -> None:
        try:
            mode = self.path.stat().st_mode
        except OSError as error:
            found = sorted(str(path) for path in Path('/dev').glob('video*'))
            others = f'present are {", ".join(found)}' if found else 'no camera is present'
            msg = f'There is no camera at {self.path} ({others}); plug it in or name another.'
            raise CaptureError(msg) from error
        if not stat.S_ISCHR(mode):
            msg = f'{self.path} is not a camera device; name one such as /dev/video0.'
            raise CaptureError(msg)
        if not os.access(self.path, os.R_OK | os.W_OK):
            msg = (
                f'This user may not read {self.path}; '
                "'sudo usermod -aG video $USER' and log in again."
            )
            raise CaptureError(msg)


@dataclass(frozen=True)
class NetworkStream:
    """A camera that streams over the network: RTSP, HTTP and other protocols of FFmpeg."""

    url: str

    @property
    def name(self) -> str:
        """Return the address without user and password."""
        return without_password(self.url)

    def open(self) -> StreamCapture:
        """Open the stream, or raise CaptureError."""
        return StreamCapture(self.url, name=self.name)
