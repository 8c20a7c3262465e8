# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The time in which a thread had the chance to make progress."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# A thread that had a CPU for less than this share of a period was asleep.
_AWAKE = 0.1


@dataclass(frozen=True)
class OwnTime:
    """Seconds of one thread: `asleep_s` waiting for something, `running_s` on a CPU.

    Neither includes waiting for a CPU that others use, or for a disk. On a loaded computer a
    healthy thread takes many times as long by the clock, but hardly longer by its own time.
    """

    asleep_s: float = 0.0
    running_s: float = 0.0

    @property
    def total_s(self) -> float:
        """Return the seconds that only the thread itself accounts for."""
        return self.asleep_s + self.running_s


@dataclass(frozen=True, kw_only=True)
class _Sample:
    moment_s: float
    running_ns: int
    waiting_ns: int
    state: str


class ThreadClock:
    """A clock of a thread's own time, from Linux's accounting of each thread (schedstat).

    If Linux keeps no such accounts, all time counts as asleep.
    """

    def __init__(self, native_id: int) -> None:
        self._folder = Path(f'/proc/self/task/{native_id}')
        self._last: _Sample | None = None

    def elapsed(self, now_s: float) -> OwnTime:
        """Return the own time since the previous call."""
        sample, last = self._sample(now_s), self._last
        self._last = sample
        if last is None:
            return OwnTime()
        clock_s = now_s - last.moment_s
        running_s = (sample.running_ns - last.running_ns) / 1e9
        waiting_s = (sample.waiting_ns - last.waiting_ns) / 1e9
        if sample.state == 'D' or (sample.state == 'R' and running_s < _AWAKE * clock_s):
            # In the kernel for a disk, or ready to run but without a CPU so far.
            return OwnTime(running_s=running_s)
        if running_s + waiting_s >= _AWAKE * clock_s:
            return OwnTime(running_s=running_s)
        return OwnTime(asleep_s=max(clock_s - waiting_s, 0.0))

    def _sample(self, now_s: float) -> _Sample:
        try:
            running, waiting, _ = (self._folder / 'schedstat').read_text().split()
            state = (self._folder / 'stat').read_text().rpartition(')')[2].split()[0]
        except (OSError, ValueError):
            return _Sample(moment_s=now_s, running_ns=0, waiting_ns=0, state='S')
        return _Sample(
            moment_s=now_s, running_ns=int(running), waiting_ns=int(waiting), state=state
        )
