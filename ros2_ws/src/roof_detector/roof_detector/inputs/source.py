# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What every source of frames can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from roof_detector.inputs.addresses import without_password
from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.health import SourceHealth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

    from roof_detector.inputs.frame import SourceFrame


class FrameSource(ABC):
    """Give frames in order; open while it lives, closed by `close` or by leaving `with`.

    Files give every frame once a pass and end; live sources give the newest frame and never end
    by themselves. `stop` may be called from any thread and ends the iteration, even one that
    waits; `close` only when nobody iterates any more.
    """

    live = False

    def __init__(self, text: str, *, rate_hz: float | None) -> None:
        if rate_hz is not None and not 0 < rate_hz <= 1000:
            msg = f'A rate of {rate_hz} frames per second is impossible; give 0.001 to 1000.'
            raise SourceError(msg)
        self.name = without_password(text)
        self._rate_hz = rate_hz
        self._health = SourceHealth()
        self._stopped = False

    @abstractmethod
    def __iter__(self) -> Iterator[SourceFrame]:
        """Give the frames; raise SourceError when not a single one can be had."""

    @property
    def rate_hz(self) -> float | None:
        """Return frames per second as asked for or as the source says; None if unknown."""
        return self._rate_hz

    @property
    def size_wh(self) -> tuple[int, int] | None:
        """Return (width, height) if all frames are known to share it."""
        return None

    @property
    def frame_count(self) -> int | None:
        """Return the frames of one pass if that is known."""
        return None

    @property
    def companion_roles(self) -> frozenset[str]:
        """Return what comes beside the pictures; only bags hold more."""
        return frozenset()

    def health(self) -> SourceHealth:
        """Return the counts of this moment."""
        return self._health

    def stop(self) -> None:
        """End the iteration before its next frame."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the file or device."""
        self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _count_delivered(self) -> None:
        self._health = replace(self._health, delivered=self._health.delivered + 1)

    def _count_unreadable(self, trouble: str) -> None:
        health = self._health
        self._health = replace(health, unreadable=health.unreadable + 1, trouble=trouble)


def frame_time_ns(index: int, *, rate_hz: float) -> int:
    """Return when a frame is due at an even rate, without adding up rounding errors."""
    return round(index * 1e9 / rate_hz)
