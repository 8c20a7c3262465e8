# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Compares the stamps of messages with the times at which a recorder received them.

All topics of a bag were received by one clock. It shows stamps that a driver took at the
reception, and stamps of a clock other than the images'.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

_LEAST_MESSAGES = 10
# Below this a difference of clocks cannot be told from the time that messages travel.
_LEAST_OFFSET_S = 0.5
# Messages travel as long as this at least, more or less than the images do.
_LEAST_OFFSET_SIGMA_S = 0.03
# Stamps of a sensor rise evenly and arrive unevenly; those of a reception arrive as they rise.
_LEAST_JITTER_S = 0.002
_FOLLOWING = 0.25


@dataclass
class MessageClock:
    """The stamps of a topic's messages, and when each was received, in nanoseconds."""

    stamps_ns: array[int] = field(default_factory=lambda: array('q'))
    received_ns: array[int] = field(default_factory=lambda: array('q'))

    def add(self, stamp_ns: int, received_ns: int) -> None:
        """Add a message."""
        self.stamps_ns.append(stamp_ns)
        self.received_ns.append(received_ns)

    @property
    def delays_s(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the reception minus the stamp of each message, in seconds."""
        stamps = np.frombuffer(self.stamps_ns, np.int64)
        delays: np.ndarray[tuple[int], np.dtype[np.float64]] = (
            np.frombuffer(self.received_ns, np.int64) - stamps
        ) / 1e9
        return delays

    def reception_jitter_s(self) -> float | None:
        """Return how unevenly stamps rise that were taken at the reception, else None.

        It is the standard deviation of the intervals between stamps: the time between measurement
        and stamp varies by about that.
        """
        if len(self.stamps_ns) < _LEAST_MESSAGES:
            return None
        intervals = np.diff(np.frombuffer(self.stamps_ns, np.int64)) / 1e9
        usual = intervals[intervals < 5 * max(float(np.median(intervals)), 1e-6)]
        jitter_s = float(np.std(usual)) if len(usual) else 0.0
        followed_s = float(np.std(self.delays_s))
        if jitter_s < _LEAST_JITTER_S or followed_s > _FOLLOWING * jitter_s:
            return None
        return jitter_s

    def offset_s(self, images: MessageClock) -> tuple[float, float] | None:
        """Return by how much this clock is behind that of images, and its standard deviation.

        None where they agree as far as the times of reception can tell. The quickest message of
        each tells most: what is left is the time that it travelled.
        """
        if min(len(self.stamps_ns), len(images.stamps_ns)) < _LEAST_MESSAGES:
            return None
        quickest, usual = np.percentile(self.delays_s, (5, 50))
        images_quickest, images_usual = np.percentile(images.delays_s, (5, 50))
        behind_s = float(quickest - images_quickest)
        if abs(behind_s) < _LEAST_OFFSET_S:
            return None
        spread_s = (usual - quickest) + (images_usual - images_quickest)
        return behind_s, float(np.hypot(_LEAST_OFFSET_SIGMA_S, spread_s))
