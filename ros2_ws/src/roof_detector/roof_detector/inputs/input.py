# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What every input can do, and what recorded inputs can do besides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from roof_detector.inputs.addresses import without_password
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

    from roof_detector.inputs.frame import PassthroughMessages, PassthroughTopic
    from roof_detector.inputs.input_files import InputFile

# The frame of images that come without one, as in the camera node's parameter frame_id.
DEFAULT_FRAME_ID = 'camera_optical_frame'


@dataclass(frozen=True, kw_only=True)
class InputHealth:
    """The counts of an input at one moment, and its latest warning.

    `delivered`: frames handed out. `unreadable`: images or messages that could not be read.
    `superseded`: live frames that a newer one replaced before they were taken.
    `reconnects`: how often a live input came back. `warning`: the latest warning, a sentence;
    it stays for recorded inputs, and a live input that comes back clears it.
    """

    connected: bool = True
    delivered: int = 0
    unreadable: int = 0
    superseded: int = 0
    reconnects: int = 0
    warning: str = ''


class Input(ABC):
    """A source of frames: open while it lives, closed by `close` or by leaving `with`.

    Iterating plays the input: a recorded one yields every frame once a pass, with the time at
    which it is due, and ends unless it loops; a live one yields the newest frame and never ends by
    itself. `stop` may be called from any thread and ends the iteration, even one that waits;
    `close` only after the iteration ended.
    """

    live = False

    def __init__(self, address: str, *, rate_hz: float | None) -> None:
        if rate_hz is not None and not 0 < rate_hz <= 1000:
            msg = f'A rate of {rate_hz} frames per second is impossible; give 0.001 to 1000.'
            raise InputError(msg)
        self.name = without_password(address)
        self._rate_hz = rate_hz
        self._health = InputHealth()
        self._stopped = False

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames to play; raise InputError if not a single one can be read."""

    @property
    def rate_hz(self) -> float | None:
        """Return the frames per second that were asked for or that the input reports, or None."""
        return self._rate_hz

    @property
    def size_wh(self) -> tuple[int, int] | None:
        """Return (width, height) if all frames are known to share it."""
        return None

    @property
    def frame_count(self) -> int | None:
        """Return the number of frames of one pass if it is known."""
        return None

    @property
    def companion_roles(self) -> frozenset[str]:
        """Return the roles of the messages that come with the frames; only bags have any."""
        return frozenset()

    def health(self) -> InputHealth:
        """Return the counts of this moment."""
        return self._health

    def stop(self) -> None:
        """End the iteration before its next frame."""
        self._stopped = True

    def close(self) -> None:
        """Close the file or device."""
        self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count_delivered(self) -> None:
        self._health = replace(self._health, delivered=self._health.delivered + 1)

    def _count_unreadable(self, warning: str) -> None:
        health = self._health
        self._health = replace(health, unreadable=health.unreadable + 1, warning=warning)


class RecordedInput(Input):
    """An input that was recorded to files: image files, a video or a bag.

    It can be played, paced and looped, or read once by `recorded`, where every frame keeps the
    number, stamp and identity that it has in the recording. Use one of the two on an open input.
    """

    image_topics: tuple[str, ...] = ('',)
    is_annotated = False  # whether boxes were drawn into all of its images already
    stem: str  # begins the names of results and frames

    def __init__(self, path: Path, *, rate_hz: float | None, loop: bool) -> None:
        super().__init__(str(path), rate_hz=rate_hz)
        self.path = path
        self._loop = loop

    @abstractmethod
    def recorded(self) -> Iterator[Frame | PassthroughMessages]:
        """Yield each frame once, in order; raise InputError where the rest cannot be read."""

    def frames_from(self, begin: int) -> Iterator[Frame]:
        """Yield the frames of `recorded` alone, from the one of a number on."""
        frames = (item for item in self.recorded() if isinstance(item, Frame))
        return islice(frames, begin, None)

    @property
    def passthrough_topics(self) -> tuple[PassthroughTopic, ...]:
        """Return the topics of a bag whose messages are copied unchanged to the results."""
        return ()

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Return the files of a video or bag, read and hashed once.

        Image files are not among them: they are hashed one by one, as they are loaded.
        """
        return ()

    def notes(self) -> tuple[str, ...]:
        """Return what else the user should know of the input as a whole, a sentence each."""
        return ()

    def warnings(self) -> tuple[str, ...]:
        """Return what is wrong with the input as a whole, a sentence each."""
        return ()


def frame_time_ns(index: int, *, rate_hz: float) -> int:
    """Return when a frame is due at an even rate, without adding up rounding errors."""
    return round(index * 1e9 / rate_hz)
