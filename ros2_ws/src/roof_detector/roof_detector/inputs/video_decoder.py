# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decodes a video file with FFmpeg's libraries, frame by frame."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from av.stream import Disposition

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.video_container import VideoContainer, missing_bytes, refusal
from roof_detector.inputs.video_frame import FrameConverter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

# The rate of a video whose container gives none, or an impossible one.
DEFAULT_RATE_HZ = 30.0
_WAY_OUT = "play it with another program, or convert it with 'ffmpeg -i IN -c:v libx264 OUT.mp4'."
# Frames before the first whole one are shown by no player; more than that is another beginning.
_LONGEST_LEAD_S = 30.0
_FRAMES_OFF = 0.1  # by which the time of a frame may differ from its number
_DAMAGED = (FFmpegError, OSError, ValueError)


class VideoDecoder:
    """The largest video stream of a file, decoded once from its beginning.

    Raises InputError, with the true reason, for a file without a frame that can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if reason := refusal(path):
            msg = f'The file {path} {reason}'
            raise InputError(msg)
        try:
            # Without the prefix, a colon in the path is taken for a protocol.
            self._container = av.open(
                f'file:{path}',
                metadata_errors='replace',
                container_options={'protocol_whitelist': 'file'},
            )
        except _DAMAGED as error:
            msg = (
                f'The file {path} is not a video that can be read '
                f'({" ".join(str(error.strerror or error).split())}); {_WAY_OUT}'
                if isinstance(error, FFmpegError)
                else f'The file {path} is not a video that can be read ({error}); {_WAY_OUT}'
            )
            raise InputError(msg) from error
        self._notes: list[str] = []
        self._undecodable = self._corrupt = self._lead = 0
        self._begins_at: Fraction | None = None
        try:
            self._stream = self._best_stream()
            # With more, what is made up for lost parts depends on which of them was first, and
            # with threads by slice H.264 neither makes it up nor says that it is damaged.
            self._stream.codec_context.thread_count = 1
            self.container = VideoContainer.of(self._container, self._stream)
            aspect = self._stream.sample_aspect_ratio
            self._converter = FrameConverter(aspect=Fraction(aspect) if aspect else None)
            self._frames = self._decoded()
            first = next(self._frames, None)
            if first is None:
                msg = (
                    f'The file {path} has no frame that can be read: none of '
                    f'{self._undecodable} pieces of {self._stream.codec_context.name} can be '
                    f'decoded; {_WAY_OUT}'
                )
                raise InputError(msg)
        except InputError:
            self._container.close()
            raise
        self.first_image = first[1]
        self.begins_ns = first[0] or 0
        self._first = first

    @property
    def rate_hz(self) -> float:
        """Return the mean rate that the container announces, 30 Hz where it is implausible."""
        for rate in (self._stream.average_rate, self._stream.guessed_rate):
            if rate and math.isfinite(rate) and 0 < rate <= 1000:
                return float(rate)
        return DEFAULT_RATE_HZ

    @property
    def frame_count(self) -> int | None:
        """Return about how many frames the container announces, None if it does not say."""
        if self.container.frame_count is not None:
            return self.container.frame_count
        announced = (self.container.duration_s or 0.0) * self.rate_hz
        return round(announced) if announced >= 1 else None

    @property
    def orientation(self) -> int:
        """Return how the stored frames are turned, as EXIF numbers it."""
        return self._converter.orientation

    @property
    def metadata(self) -> dict[str, str]:
        """Return the tags of the container and the stream, in lower case."""
        tags = {**self._stream.metadata, **self._container.metadata}
        return {name.lower(): value for name, value in tags.items()}

    def images(self) -> Iterator[tuple[int | None, NDArray[np.uint8]]]:
        """Yield the time from the beginning of the stream, None where unknown, and each image.

        Times are in nanoseconds. What cannot be decoded is left out and counted.
        """
        yield self._first
        yield from self._frames

    def skip_to(self, index: int) -> int:
        """Go to the last keyframe at or before a frame; return the number of the next frame.

        Only of undamaged files of an even rate can it be told which frame a keyframe is: for
        others, and where no keyframe is near, it is 0 and nothing is skipped. Call it before
        `images`; raises InputError where what was skipped to is another frame than announced.
        """
        begin, rate = self._first[0], self._stream.average_rate
        entries = self._stream.index_entries
        if begin is None or not rate or 'mov' not in self._container.format.name:
            return 0
        keyframes = [n for n, one in enumerate(entries) if one.is_keyframe and 0 < n <= index]
        is_even = self._stream.guessed_rate == rate and len(entries) == self._stream.frames
        if not keyframes or not is_even or any(one.is_discard for one in entries):
            return 0
        number, base = keyframes[-1], self._stream.time_base
        if base is None:
            return 0
        # FFmpeg goes to the last keyframe that is shown at a time or before.
        shown = (self._stream.start_time or 0) + (number + Fraction(1, 2)) / rate / base
        try:
            self._container.seek(int(shown), stream=self._stream)
        except _DAMAGED:
            return 0
        self._frames = self._decoded()
        first = next(self._frames, None)
        # Frames of an open group that show before their keyframe would be counted wrongly.
        shown_ns = None if first is None else first[0]
        if (
            first is None
            or shown_ns is None
            or abs(float((shown_ns - begin) * rate) / 1e9 - number) > _FRAMES_OFF
        ):
            msg = f'The file {self.path} cannot be read from its frame {number} on.'
            raise InputError(msg)
        self._first = first
        return number

    def notes(self) -> tuple[str, ...]:
        """Return what was done with the frames so far, a sentence each."""
        return tuple(
            f'{self.path.name} {note}.' for note in (*self._notes, *self._converter.notes)
        )

    def losses(self) -> tuple[str, ...]:
        """Return what of the file could not be read so far, a sentence each."""
        found = []
        if self._lead:
            found.append(
                f'The first {self._lead} frames of {self.path} depend on earlier ones that the '
                'file does not hold, and were left out.'
            )
        if self._undecodable:
            found.append(
                f'{self._undecodable} pieces of the video {self.path} are damaged and cannot be '
                'decoded.'
            )
        if self._corrupt:
            found.append(
                f'{self._corrupt} frames of {self.path} are damaged in part: they depend on '
                'pieces that cannot be decoded.'
            )
        if missing := missing_bytes(self.path):
            found.append(
                f'The file {self.path} is cut short: it lacks {missing} bytes at its end.'
            )
        return tuple(found)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _best_stream(self) -> av.VideoStream:
        pictures = Disposition.attached_pic | Disposition.timed_thumbnails
        streams = [
            one for one in self._container.streams.video if not one.disposition & pictures
        ] or list(self._container.streams.video)
        if not streams:
            others = ', '.join(sorted({one.type for one in self._container.streams})) or 'nothing'
            msg = f'The file {self.path} has no video: it holds {others}.'
            raise InputError(msg)
        known = [one for one in streams if one.codec_context is not None]
        if not known:
            msg = (
                f'The file {self.path} is coded in a way for which there is no decoder here; '
                f'{_WAY_OUT}'
            )
            raise InputError(msg)
        best = max(known, key=lambda one: one.codec_context.width * one.codec_context.height)
        if len(streams) > 1:
            self._notes.append(
                f'holds {len(streams)} videos; only that of {best.codec_context.width}x'
                f'{best.codec_context.height} pixels is looked at'
            )
        return best

    def _decoded(self) -> Iterator[tuple[int | None, NDArray[np.uint8]]]:
        begin = self._begins_at
        waiting: list[Fraction] = []
        for frame in self._raw_frames(waiting):
            time = _time(frame)
            if begin is None:
                begin = self._begins_at = self._begin(time)
                self._lead = sum(1 for one in waiting if time is not None and one < time)
                waiting.clear()
            self._corrupt += frame.is_corrupt
            for ready, image in self._converted(self._converter.images(frame)):
                yield _since(ready, begin), image
        for ready, image in self._converted(self._converter.rest()):
            yield _since(ready, begin), image

    def _converted(
        self, images: Iterator[tuple[av.VideoFrame, NDArray[np.uint8]]]
    ) -> Iterator[tuple[av.VideoFrame, NDArray[np.uint8]]]:
        """Yield images; count a frame whose damaged header names a layout that none converts."""
        try:
            yield from images
        except _DAMAGED:
            self._undecodable += 1

    def _raw_frames(self, waiting: list[Fraction]) -> Iterator[av.VideoFrame]:
        """Yield the frames; until the first one, add the times of the packets to `waiting`."""
        is_first = True
        try:
            for packet in self._container.demux(self._stream):
                if is_first and packet.pts is not None and packet.time_base is not None:
                    waiting.append(packet.pts * packet.time_base)
                # Its end is missing, and half of the image would be green. In a transport stream
                # the flag is set wherever two recordings meet, too.
                if packet.is_corrupt and 'mpegts' not in self._container.format.name:
                    self._undecodable += 1
                    continue
                try:
                    frames = packet.decode()
                except _DAMAGED:
                    self._undecodable += 1
                    continue
                for frame in frames:
                    is_first = False
                    yield frame
        except _DAMAGED:
            self._undecodable += 1

    def _begin(self, first: Fraction | None) -> Fraction | None:
        """Return the time at which the stream begins, of which its first frame is shown."""
        start, base = self._stream.start_time, self._stream.time_base
        if first is None or start is None or base is None:
            return first
        lead = first - start * base
        return start * base if 0 <= lead <= _LONGEST_LEAD_S else first


def _time(frame: av.VideoFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _since(frame: av.VideoFrame, begin: Fraction | None) -> int | None:
    time = _time(frame)
    return None if time is None or begin is None else round((time - begin) * 10**9)
