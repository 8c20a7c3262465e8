# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How many of this machine's cores other processes occupy."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

# Linux counts in ticks of 10 ms: shorter times say too little.
_WINDOW_S = 1.0
# user, nice, system, irq, softirq, steal of a line in /proc/stat (proc_stat(5)).
_BUSY = (0, 1, 2, 5, 6, 7)


class MachineLoad:
    """Measures, about once a second, the cores that are busy with other processes.

    `others` is a number of cores, 2.0 where two of them are always busy; None before the first
    second and where the system does not tell. Work of this process is not counted.
    """

    def __init__(
        self,
        *,
        stat: Path = Path('/proc/stat'),
        clock: Callable[[], float] = monotonic,
        own_clock: Callable[[], float] = process_time,
    ) -> None:
        self.others: float | None = None
        self._stat = stat
        self._clock, self._own_clock = clock, own_clock
        self._cores = os.sched_getaffinity(0)
        self._before = self._now()

    def measure(self) -> float | None:
        """Return `others`, measured again if a second has passed."""
        now_s = self._clock()
        if self._before is None or now_s - self._before[0] < _WINDOW_S:
            return self.others
        now = self._now()
        if now is not None:
            wall_s, busy_s, own_s = (
                after - before for after, before in zip(now, self._before, strict=True)
            )
            self.others = max(busy_s - own_s, 0.0) / wall_s
            self._before = now
        return self.others

    def _now(self) -> tuple[float, float, float] | None:
        try:
            text = self._stat.read_text(encoding='ascii')
        except (OSError, ValueError):
            return None
        busy_s = busy_seconds(text, self._cores)
        return None if busy_s is None else (self._clock(), busy_s, self._own_clock())


def busy_seconds(stat: str, cores: Collection[int]) -> float | None:
    """Return the seconds that some cores were busy since the start, of the text of /proc/stat."""
    ticks = 0
    found = 0
    for line in stat.splitlines():
        name, *counts = line.split()
        if not name.startswith('cpu') or not name[3:].isdecimal() or int(name[3:]) not in cores:
            continue
        try:
            ticks += sum(int(counts[field]) for field in _BUSY)
        except (IndexError, ValueError):
            return None
        found += 1
    return ticks / os.sysconf('SC_CLK_TCK') if found else None
