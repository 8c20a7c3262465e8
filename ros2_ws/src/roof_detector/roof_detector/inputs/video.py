# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A video file."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2

from roof_detector.inputs.due_times import DueTimes
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame, frame_name
from roof_detector.inputs.input import DEFAULT_FRAME_ID, RecordedInput, frame_time_ns
from roof_detector.inputs.input_files import input_files
from roof_detector.inputs.video_container import read_container
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.input_files import InputFile

# The rate of a video whose container gives none, or an impossible one.
DEFAULT_RATE_HZ = 30.0
# Containers such as Matroska keep times in whole milliseconds.
_ROUNDING_NS = 1_000_000
_LOG_ERRORS = 2  # cv::utils::logging::LOG_LEVEL_ERROR, which has no name in Python
_FFMPEG_QUIET = '-8'


class VideoInput(RecordedInput):
    """A video file: every frame at its own time or at a given rate.

    `stamp_ns` is the time in the video, also where its rate varies; a given rate changes only
    `due_ns`. Raises InputError for a file that is empty, not a video, or without a single frame.
    """

    def __init__(self, path: Path, *, rate_hz: float | None = None, loop: bool = False) -> None:
        super().__init__(path, rate_hz=rate_hz, loop=loop)
        self.stem = path.stem
        if path.stat().st_size == 0:
            msg = f'The file {path} is empty (0 bytes); was it copied or recorded to its end?'
            raise InputError(msg)
        self._capture, self._first = self._open()
        self._own_rate = _plausible_rate(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def rate_hz(self) -> float:
        """Return the rate asked for, or the mean rate of the video."""
        return self._rate_hz or self._own_rate

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return (width, height) of the frames."""
        height, width = self._first.shape[:2]
        return width, height

    @property
    def frame_count(self) -> int | None:
        """Return about how many frames the container announces, None if it does not say."""
        announced = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(announced) if math.isfinite(announced) and announced >= 1 else None

    @cached_property
    def files(self) -> tuple[InputFile, ...]:
        """Return the file, read and hashed once."""
        return input_files(self.path)

    def __iter__(self) -> Iterator[Frame]:
        index = shift_ns = due_shift_ns = stamp_ns = due_ns = 0
        while not self._stopped:
            due_times = DueTimes()
            for position, (time_ns, image_bgr) in enumerate(self._one_pass()):
                if self._stopped:
                    return
                self._count_delivered()
                stamp_ns = shift_ns + time_ns
                due_ns = due_shift_ns + due_times.of(time_ns)
                if due_times.warning:
                    self._health = replace(self._health, warning=due_times.warning)
                yield Frame(
                    index=index,
                    name=f'{self.path.name} frame {position}',
                    stamp_ns=stamp_ns,
                    image=image_bgr,
                    due_ns=due_ns
                    if self._rate_hz is None
                    else frame_time_ns(index, rate_hz=self._rate_hz),
                )
                index += 1
            if not self._loop:
                return
            shift_ns, due_shift_ns = stamp_ns + self._period_ns, due_ns + self._period_ns
            self._capture.release()
            self._capture, self._first = self._open()

    def recorded(self) -> Iterator[Frame]:
        """Yield each frame once, with its time in the video and the identity of the file."""
        (file,) = self.files
        content = ContentIdentity(file.size_bytes, file.sha256)
        for frame in self:
            yield replace(
                frame,
                name=frame_name(self.stem, '', frame.index),
                due_ns=None,
                log_time_ns=frame.stamp_ns,
                frame_id=DEFAULT_FRAME_ID,
                content=content,
            )

    def warnings(self) -> tuple[str, ...]:
        """Return a sentence if the video ended before its time."""
        return (self._health.warning,) if self._health.warning else ()

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._capture.release()

    @property
    def _period_ns(self) -> int:
        return round(1e9 / self._own_rate)

    def _one_pass(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield time and image of each frame; the first one was read at opening."""
        read, time_ns = 1, 0
        begin_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        yield time_ns, self._first
        while not self._stopped:
            found, image_bgr = self._capture.read()
            if not found:
                self._report_missing(read, end_ns=time_ns + self._period_ns)
                return
            shown_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC) - begin_ms
            time_ns = self._time_ns(read, shown_ms=shown_ms, last_ns=time_ns)
            read += 1
            yield time_ns, image_bgr  # type: ignore[misc]

    def _time_ns(self, position: int, *, shown_ms: float, last_ns: int) -> int:
        """Return the time in the container, or at an even rate the time it was rounded from."""
        even_ns = frame_time_ns(position, rate_hz=self._own_rate)
        if abs(shown_ms * 1e6 - even_ns) <= _ROUNDING_NS and even_ns > last_ns:
            return even_ns
        shown_ns = round(shown_ms * 1e6)
        return shown_ns if shown_ns > last_ns else last_ns + self._period_ns

    def _report_missing(self, read: int, *, end_ns: int) -> None:
        container = read_container(self.path)
        if container is None or self._stopped:
            return
        if container.lacks(read, end_s=end_ns / 1e9):
            of_how_many = (
                f'{end_ns / 1e9:.1f} of {container.duration_s:.1f} seconds'
                if container.frame_count is None
                else f'{read} of {container.frame_count} frames'
            )
            warning = (
                f'The video {self.path} ended after {of_how_many}: it is damaged or cut short.'
            )
            self._health = replace(self._health, warning=warning)

    def _open(self) -> tuple[cv2.VideoCapture, NDArray[np.uint8]]:
        # Without the backend, OpenCV reads 'roof_01.xyz' as a numbered series of images.
        _keep_opencv_quiet()
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        found, image_bgr = capture.read()
        if not found:
            opened = capture.isOpened() or read_container(self.path) is not None
            capture.release()
            what = 'has no frame that can be read' if opened else 'is not a video that can be read'
            msg = (
                f'The file {self.path} {what}; play it with another program, or convert it with '
                "'ffmpeg -i IN -c:v libx264 OUT.mp4'."
            )
            raise InputError(msg)
        return capture, image_bgr  # type: ignore[return-value]


def _keep_opencv_quiet() -> None:
    """Keep OpenCV and its FFmpeg, in the whole process, from printing remarks on files.

    Our own errors report the same. OPENCV_LOG_LEVEL and OPENCV_FFMPEG_LOGLEVEL are respected.
    """
    if 'OPENCV_LOG_LEVEL' not in os.environ:
        cv2.setLogLevel(_LOG_ERRORS)
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', _FFMPEG_QUIET)


def _plausible_rate(rate_hz: float) -> float:
    return rate_hz if math.isfinite(rate_hz) and 0 < rate_hz <= 1000 else DEFAULT_RATE_HZ
