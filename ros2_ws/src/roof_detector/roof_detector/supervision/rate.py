# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rates of events and of faults over the last seconds."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RECENT_S = 5.0
# A fault is reported for this long after it has passed.
FAULT_S = 10.0
_MOST_RECENT = 300
_NEWEST = 10


def rate_hz(moments_s: Sequence[float], *, now_s: float) -> float:
    """Return events per second over the last seconds; it falls to 0 when nothing comes."""
    recent = [moment for moment in moments_s if moment >= now_s - RECENT_S]
    if len(recent) < 2:
        return len(recent) / RECENT_S
    span_s = recent[-1] - recent[0]
    interval_s = span_s / (len(recent) - 1)
    overdue_s = max(0.0, now_s - recent[-1] - interval_s)
    return (len(recent) - 1) / max(span_s + overdue_s, 1e-6)


def usual_interval_s(moments_s: Sequence[float]) -> float:
    """Return the interval between the newest events, 0 while it is unknown."""
    newest_s = moments_s[-_NEWEST:]
    if len(newest_s) < 2:
        return 0.0
    return (newest_s[-1] - newest_s[0]) / (len(newest_s) - 1)


class Arrivals:
    """The arrivals of some data: their rate, their usual interval, and the time since the last.

    One thread notes arrivals, any thread may read.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments_s: deque[float] = deque(maxlen=_MOST_RECENT)
        self._since_s = clock()
        self.count = 0

    def begin(self) -> None:
        """Expect arrivals from now on."""
        self._since_s = self._clock()

    def note(self) -> None:
        """Note an arrival."""
        self._moments_s.append(self._clock())
        self.count += 1

    @property
    def silent_s(self) -> float:
        """Return the seconds since the last arrival, or since the beginning if there was none."""
        moments_s = tuple(self._moments_s)
        return self._clock() - (moments_s[-1] if moments_s else self._since_s)

    @property
    def usual_s(self) -> float:
        """Return the interval between the newest arrivals, 0 while it is unknown."""
        return usual_interval_s(tuple(self._moments_s))

    @property
    def rate_hz(self) -> float:
        """Return the recent arrivals per second."""
        return rate_hz(tuple(self._moments_s), now_s=self._clock())


class Growth:
    """Whether a count of faults grew in the last seconds; a count that restarts does not grow."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total = 0
        self._grew_at_s = float('-inf')

    def is_recent(self, total: int) -> bool:
        """Update the count, and return whether it has grown in the last seconds."""
        if total > self._total:
            self._grew_at_s = self._clock()
        self._total = total
        return self._clock() - self._grew_at_s < FAULT_S


class RecentFaults:
    """The faults of each kind in the last seconds, and their totals since the start."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: deque[tuple[float, str]] = deque(maxlen=_MOST_RECENT)
        self._totals: Counter[str] = Counter()

    def note(self, cause: str, count: int = 1) -> None:
        """Note a fault."""
        with self._lock:
            self._totals[cause] += count
            self._newest.append((self._clock(), cause))

    @property
    def totals(self) -> Mapping[str, int]:
        """Return the counts since the start."""
        with self._lock:
            return dict(self._totals)

    def recent(self) -> Mapping[str, int]:
        """Return the counts of the last seconds; of more than 300, those of the newest."""
        oldest_s = self._clock() - FAULT_S
        with self._lock:
            return Counter(cause for moment, cause in self._newest if moment >= oldest_s)
