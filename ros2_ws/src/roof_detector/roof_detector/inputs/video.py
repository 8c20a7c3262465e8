# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A video file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from roof_detector.inputs.due_times import DueTimes
from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.frame import SourceFrame
from roof_detector.inputs.quiet_opencv import keep_opencv_quiet
from roof_detector.inputs.source import FrameSource, frame_time_ns
from roof_detector.inputs.video_container import read_container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

# What a video is played at when its container says nothing or nonsense.
DEFAULT_RATE_HZ = 30.0
# Containers such as Matroska keep times in whole milliseconds.
_ROUNDING_NS = 1_000_000


class VideoSource(FrameSource):
    """Give every frame of a video file at its own time or at the given rate.

    `stamp_ns` is the time in the video, also where its rate varies; a given rate changes only
    `due_ns`.
    Raises SourceError for a file that is empty, no video, or without a single frame.
    """

    def __init__(self, path: Path, *, rate_hz: float | None = None, loop: bool = False) -> None:
        super().__init__(str(path), rate_hz=rate_hz)
        if path.stat().st_size == 0:
            msg = f'The file {path} is empty (0 bytes); was it copied or recorded to its end?'
            raise SourceError(msg)
        self._path = path
        self._loop = loop
        self._capture, self._first = self._open()
        self._own_rate = _sane_rate(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def rate_hz(self) -> float:
        """Return the rate asked for, or the video's own mean rate."""
        return self._rate_hz or self._own_rate

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return (width, height) of the frames."""
        height, width = self._first.shape[:2]
        return width, height

    @property
    def frame_count(self) -> int | None:
        """Return about how many frames the container promises; None if it does not say."""
        promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(promised) if math.isfinite(promised) and promised >= 1 else None

    def __iter__(self) -> Iterator[SourceFrame]:
        index = shift_ns = due_shift_ns = stamp_ns = due_ns = 0
        while not self._stopped:
            due_times = DueTimes()
            for position, (time_ns, image_bgr) in enumerate(self._one_pass()):
                if self._stopped:
                    return
                self._count_delivered()
                stamp_ns = shift_ns + time_ns
                due_ns = due_shift_ns + due_times.of(time_ns)
                if due_times.trouble:
                    self._health = replace(self._health, trouble=due_times.trouble)
                yield SourceFrame(
                    index,
                    stamp_ns,
                    due_ns
                    if self._rate_hz is None
                    else frame_time_ns(index, rate_hz=self._rate_hz),
                    f'{self._path.name} frame {position}',
                    image_bgr,
                )
                index += 1
            if not self._loop:
                return
            shift_ns, due_shift_ns = stamp_ns + self._period_ns, due_ns + self._period_ns
            self._capture.release()
            self._capture, self._first = self._open()

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._capture.release()

    @property
    def _period_ns(self) -> int:
        return round(1e9 / self._own_rate)

    def _one_pass(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Give time and frame, from the first one, read at opening, to the last there is."""
        given, time_ns = 1, 0
        begin_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        yield time_ns, self._first
        while not self._stopped:
            found, image_bgr = self._capture.read()
            if not found:
                self._report_missing(given, end_ns=time_ns + self._period_ns)
                return
            shown_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC) - begin_ms
            time_ns = self._time_ns(given, shown_ms=shown_ms, last_ns=time_ns)
            given += 1
            yield time_ns, image_bgr  # type: ignore[misc]

    def _time_ns(self, position: int, *, shown_ms: float, last_ns: int) -> int:
        """Return the container's time, or at an even rate the one it was rounded from."""
        even_ns = frame_time_ns(position, rate_hz=self._own_rate)
        if abs(shown_ms * 1e6 - even_ns) <= _ROUNDING_NS and even_ns > last_ns:
            return even_ns
        shown_ns = round(shown_ms * 1e6)
        return shown_ns if shown_ns > last_ns else last_ns + self._period_ns

    def _report_missing(self, given: int, *, end_ns: int) -> None:
        container = read_container(self._path)
        if container is None or self._stopped:
            return
        if container.lacks(given, end_s=end_ns / 1e9):
            of_how_many = (
                f'{end_ns / 1e9:.1f} of {container.duration_s:.1f} seconds'
                if container.frame_count is None
                else f'{given} of {container.frame_count} frames'
            )
            trouble = (
                f'The video {self._path} ended after {of_how_many}: it is damaged or cut short.'
            )
            self._health = replace(self._health, trouble=trouble)

    def _open(self) -> tuple[cv2.VideoCapture, NDArray[np.uint8]]:
        # The backend is named: OpenCV would read 'roof_01.xyz' as a numbered series of pictures.
        keep_opencv_quiet()
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        found, image_bgr = capture.read()
        if not found:
            opened = capture.isOpened() or read_container(self._path) is not None
            capture.release()
            what = 'has no frame that can be read' if opened else 'is not a video that can be read'
            msg = (
                f'The file {self._path} {what}; play it with another program, or convert it with '
                "'ffmpeg -i IN -c:v libx264 OUT.mp4'."
            )
            raise SourceError(msg)
        return capture, image_bgr  # type: ignore[return-value]


def _sane_rate(rate_hz: float) -> float:
    return rate_hz if math.isfinite(rate_hz) and 0 < rate_hz <= 1000 else DEFAULT_RATE_HZ
