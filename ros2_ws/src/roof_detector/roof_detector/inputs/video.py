# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A video file."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from roof_detector.inputs.due_times import DueTimes
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame, frame_name
from roof_detector.inputs.input import DEFAULT_FRAME_ID, RecordedInput, frame_time_ns
from roof_detector.inputs.input_files import input_files
from roof_detector.inputs.photo_moment import video_moment
from roof_detector.inputs.video_decoder import VideoDecoder
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.input_files import InputFile

# Containers such as Matroska keep times in whole milliseconds.
_ROUNDING_NS = 1_000_000


class VideoInput(RecordedInput):
    """A video file: every frame at its own time or at a given rate.

    `stamp_ns` is the time in the video, also where its rate varies; a given rate changes only
    `due_ns`. Frames are turned by the video's display matrix and have square pixels. Raises
    InputError for a file that is empty, not a video, or without a single frame.
    """

    def __init__(self, path: Path, *, rate_hz: float | None = None, loop: bool = False) -> None:
        super().__init__(path, rate_hz=rate_hz, loop=loop)
        self.stem = path.stem
        self._decoder = VideoDecoder(path)
        self._own_rate = self._decoder.rate_hz
        self._moment_note = ''
        self._skipped = 0  # frames that a piece begins after

    @property
    def rate_hz(self) -> float:
        """Return the rate asked for, or the mean rate of the video."""
        return self._rate_hz or self._own_rate

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return (width, height) of the frames."""
        height, width = self._decoder.first_image.shape[:2]
        return width, height

    @property
    def orientation(self) -> int:
        """Return how the stored frames are turned to be shown, as EXIF numbers it."""
        return self._decoder.orientation

    @property
    def frame_count(self) -> int | None:
        """Return about how many frames the container announces, None if it does not say."""
        return self._decoder.frame_count

    @cached_property
    def files(self) -> tuple[InputFile, ...]:
        """Return the file, read and hashed once."""
        return input_files(self.path)

    def __iter__(self) -> Iterator[Frame]:
        index = self._skipped
        shift_ns = due_shift_ns = stamp_ns = due_ns = 0
        while not self._stopped:
            due_times = DueTimes()
            for position, (time_ns, image_bgr) in enumerate(self._one_pass(), self._skipped):
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
            self._decoder.close()
            self._decoder = VideoDecoder(self.path)

    def recorded(self) -> Iterator[Frame]:
        """Yield each frame once, with its time in the video and the identity of the file."""
        (file,) = self.files
        content = ContentIdentity(file.size_bytes, file.sha256)
        began, self._moment_note = video_moment(self.path, self._decoder.metadata)
        for frame in self:
            yield replace(
                frame,
                name=frame_name(self.stem, '', frame.index),
                due_ns=None,
                log_time_ns=frame.stamp_ns,
                frame_id=DEFAULT_FRAME_ID,
                content=content,
                moment=None if began is None else began.later(frame.stamp_ns),
            )

    def frames_from(self, begin: int) -> Iterator[Frame]:
        """Yield the frames from a number on; decoding begins at the keyframe before it."""
        try:
            self._skipped = self._decoder.skip_to(begin)
        except InputError:
            self._decoder.close()
            self._decoder = VideoDecoder(self.path)
        return (frame for frame in self.recorded() if frame.index >= begin)

    def notes(self) -> tuple[str, ...]:
        """Return what was done with the frames so far, a sentence each."""
        note = (f'{self._moment_note}.',) if self._moment_note else ()
        return (*self._decoder.notes(), *note)

    def warnings(self) -> tuple[str, ...]:
        """Return what of the video could not be read, a sentence each."""
        return (self._health.warning,) if self._health.warning else ()

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._decoder.close()

    @property
    def _period_ns(self) -> int:
        return round(1e9 / self._own_rate)

    def _one_pass(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield time and image of each frame."""
        read, first_ns = self._skipped, self._decoder.begins_ns if self._skipped else 0
        time_ns = first_ns + frame_time_ns(read, rate_hz=self._own_rate) - self._period_ns
        for shown_ns, image_bgr in self._decoder.images():
            if self._stopped:
                return
            if not read:
                first_ns = time_ns = shown_ns or 0
            else:
                time_ns = self._time_ns(read, shown_ns, first_ns=first_ns, last_ns=time_ns)
            read += 1
            yield time_ns, image_bgr
        self._report_missing(read, end_ns=time_ns + self._period_ns)

    def _time_ns(self, position: int, shown_ns: int | None, *, first_ns: int, last_ns: int) -> int:
        """Return the time in the container, or at an even rate the time it was rounded from."""
        if shown_ns is None:
            return last_ns + self._period_ns
        even_ns = first_ns + frame_time_ns(position, rate_hz=self._own_rate)
        if abs(shown_ns - even_ns) <= _ROUNDING_NS and even_ns > last_ns:
            return even_ns
        return shown_ns if shown_ns > last_ns else last_ns + self._period_ns

    def _report_missing(self, read: int, *, end_ns: int) -> None:
        container, losses = self._decoder.container, list(self._decoder.losses())
        if container.lacks(read, end_s=end_ns / 1e9):
            of_how_many = (
                f'{end_ns / 1e9:.1f} of {container.duration_s:.1f} seconds'
                if container.frame_count is None
                else f'{read} of {container.frame_count} frames'
            )
            losses.insert(
                0, f'The video {self.path} ended after {of_how_many}: it is damaged or cut short.'
            )
        if losses:
            self._health = replace(self._health, warning=' '.join(losses))
