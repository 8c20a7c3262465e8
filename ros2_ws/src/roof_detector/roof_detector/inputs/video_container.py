# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the frame count and duration that a video file announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

if TYPE_CHECKING:
    from pathlib import Path

_ROUNDED_S = 0.25


@dataclass(frozen=True)
class VideoContainer:
    """The frame count and duration that a container announces, None where unknown.

    OpenCV does not distinguish a count from a guess: where a container such as Matroska counts no
    frames, it multiplies the duration by a rate, which is wrong for a variable rate.
    """

    frame_count: int | None
    duration_s: float | None

    def lacks(self, read: int, *, end_s: float) -> bool:
        """Return whether the file should hold more than the `read` frames, which end at `end_s`.

        Containers round: one frame more or less, or a quarter of a second, is no sign of damage.
        """
        if self.frame_count is not None:
            return read < self.frame_count - 1
        return self.duration_s is not None and end_s + _ROUNDED_S < self.duration_s


def read_container(path: Path) -> VideoContainer | None:
    """Read the container of a file's first video stream, None where there is none."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return None
            stream = container.streams.video[0]
            # With sound, the duration of the file may be that of the sound.
            alone = len(container.streams) == 1
            whole_us = container.duration if alone else None
            return VideoContainer(
                stream.frames or None,
                _tagged_s(stream.metadata.get('DURATION', ''))
                or (None if whole_us is None else whole_us / 1e6),
            )
    except (FFmpegError, OSError, ValueError):
        return None


def _tagged_s(text: str) -> float | None:
    """Return the seconds of a duration tag of Matroska, such as 00:01:02.345000000."""
    hours, _, rest = text.partition(':')
    minutes, _, seconds = rest.partition(':')
    try:
        return timedelta(
            hours=int(hours), minutes=int(minutes), seconds=float(seconds)
        ).total_seconds()
    except ValueError:
        return None
