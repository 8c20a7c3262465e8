# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The picture that findings belong to, found by its stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.replay.footage import Frame
from roof_detector.sources.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.replay.footage import Passing
    from roof_detector.vision.frame_findings import FrameFindings


class StampedPictures:
    """Walk through pictures beside findings that come in the same order, some without a picture.

    Only one picture waits at a time. Where stamps go back, as when a simulation begins again,
    both sides are taken to have gone back.
    """

    def __init__(self, items: Iterable[Frame | Passing]) -> None:
        self._frames: Iterator[Frame] = (item for item in items if isinstance(item, Frame))
        self._round = self._asked_round = 0
        self._last_ns = self._asked_ns = -1
        self._waiting: Frame | None = None
        self._step()

    def of(self, findings: FrameFindings) -> NDArray[np.uint8] | None:
        """Return the picture of these findings, None where there is none that can be read."""
        stamp_ns = findings.stamp_ns
        if stamp_ns < self._asked_ns:
            self._asked_round += 1
        self._asked_ns = stamp_ns
        wanted = (self._asked_round, stamp_ns)
        while self._waiting is not None and (self._round, self._waiting.stamp_ns) < wanted:
            self._step()
        frame = self._waiting
        if frame is None or (self._round, frame.stamp_ns) != wanted:
            return None
        self._step()
        try:
            image_bgr = frame.image_bgr()
        except SourceError:
            return None
        return image_bgr if image_bgr.shape[1::-1] == findings.size_wh else None

    def _step(self) -> None:
        self._waiting = next(self._frames, None)
        if self._waiting is not None:
            self._round += self._waiting.stamp_ns < self._last_ns
            self._last_ns = self._waiting.stamp_ns
