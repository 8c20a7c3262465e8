# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frame statistics: what became of every frame, and how long each stage took."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from roof_detector.supervision.rate import FAULT_S, RecentFaults, rate_hz, usual_interval_s
from roof_detector.vision.errors import VisionCause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Why a frame has no result: what the network or its input did, or which thread was lost with it.
DropCause = Literal[
    'superseded',
    'too_old',
    'age_unknown',
    'disabled',
    'deactivated',
    'decoding',
    'inference',
    'publishing',
    'lost_before_arrival',
    'thinned',
    'arrival_lost',
    'preprocessing_lost',
    'detection_lost',
    VisionCause,
]

# Percentiles and rates speak of the recent past: before it was perhaps another load.
_RECENT_S = 5.0
_MOST_RECENT = 300


@dataclass(frozen=True, kw_only=True)
class FrameStatsSnapshot:
    """The statistics of one moment: what became of the frames, and how long the recent ones took.

    `seen` counts the frames that were published since the first one that arrived, `read` those
    that were copied out of the middleware; each that was seen is
    `processed`, in `dropped` under its cause, or `waiting` at this moment. `percentiles_s` maps a
    stage, or 'age' (publication of the source image to publication of its result), to its 50th,
    95th and 99th percentile in seconds, of the newest results: those of
    5 s, and at most 300. `ages_unknown` counts results of frames whose stamp cannot be an age,
    `stale` those older than the limit. `recent_ages_unknown`, `recent_stale` and `recent_drops`
    are those of the last 10 s; `silent_s` is how long no result has come, `usual_s` how far apart
    the newest ones came.
    """

    seen: int
    read: int
    processed: int
    dropped: Mapping[str, int]
    rate_hz: float
    percentiles_s: Mapping[str, tuple[float, float, float]]
    found: Mapping[str, int] = field(default_factory=dict)
    ages_unknown: int = 0
    recent_ages_unknown: int = 0
    stale: int = 0
    recent_stale: int = 0
    recent_drops: Mapping[str, int] = field(default_factory=dict)
    silent_s: float = 0.0
    usual_s: float = 0.0

    @property
    def waiting(self) -> int:
        """Return how many frames are in work or wait in the queue."""
        return self.seen - self.processed - sum(self.dropped.values())


class FrameStats:
    """Account for every frame, from any thread: seen = processed + dropped + waiting."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = 0
        self._read = 0
        self._processed = 0
        self._dropped = RecentFaults(clock=clock)
        self._began_s = clock()
        self._found: Counter[str] = Counter()
        self._ages_unknown = 0
        self._stale = RecentFaults(clock=clock)
        # When the newest results were published, and how long each of their stages took.
        self._results: deque[tuple[float, Mapping[str, float]]] = deque(maxlen=_MOST_RECENT)

    def see(self, *, missed: int = 0, cause: DropCause = 'lost_before_arrival') -> None:
        """Count a frame that arrived, and the `missed` ones before it that did not, as `cause`."""
        with self._lock:
            self._seen += 1 + missed
            self._read += 1
            if missed:
                self._dropped.note(cause, missed)

    def drop(self, cause: DropCause) -> None:
        """Count a frame that will have no result."""
        with self._lock:
            self._dropped.note(cause)

    def process(
        self,
        durations_s: Mapping[str, float],
        *,
        found: Mapping[str, int],
        age_s: float | None = None,
        limit_s: float = 0.0,
    ) -> None:
        """Count a frame whose result was published, how long each stage took, and its age.

        A result older than `limit_s` is stale, at 0 none is.
        """
        if age_s is not None:
            durations_s = {**durations_s, 'age': age_s}
        with self._lock:
            self._processed += 1
            self._ages_unknown += age_s is None
            if age_s is not None and 0 < limit_s < age_s:
                self._stale.note('stale')
            self._found.update(found)
            self._results.append((self._clock(), durations_s))

    def dropped(self, cause: DropCause) -> int:
        """Return how many frames were dropped for a cause."""
        with self._lock:
            return self._dropped.totals.get(cause, 0)

    def snapshot(self) -> FrameStatsSnapshot:
        """Return the state of this moment."""
        with self._lock:
            results = list(self._results)
            seen, read, processed = self._seen, self._read, self._processed
            ages_unknown = self._ages_unknown
            dropped, found = self._dropped.totals, dict(self._found)
            recent_drops = self._dropped.recent()
            stale, recent_stale = self._stale.totals, self._stale.recent()
        now_s = self._clock()
        moments_s = [moment for moment, _ in results]
        durations_s: dict[str, list[float]] = {}
        for moment, stages_s in results:
            if moment < results[-1][0] - _RECENT_S:
                continue
            for stage, duration_s in stages_s.items():
                durations_s.setdefault(stage, []).append(duration_s)
        percentiles_s = {
            stage: tuple(np.percentile(taken_s, (50, 95, 99)).tolist())
            for stage, taken_s in durations_s.items()
        }
        return FrameStatsSnapshot(
            seen=seen,
            read=read,
            processed=processed,
            dropped=dropped,
            rate_hz=rate_hz(moments_s, now_s=now_s),
            percentiles_s=percentiles_s,
            found=found,
            ages_unknown=ages_unknown,
            recent_ages_unknown=sum(
                'age' not in stages_s and moment > now_s - FAULT_S for moment, stages_s in results
            ),
            recent_drops=recent_drops,
            stale=sum(stale.values()),
            recent_stale=sum(recent_stale.values()),
            silent_s=now_s - (moments_s[-1] if moments_s else self._began_s),
            usual_s=usual_interval_s(moments_s),
        )
