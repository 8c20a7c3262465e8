# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How late the threads of judge and judged come, on a machine that has other work."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

_STEP_S = 0.02
_REMEMBERED = 3000


class Stalls:
    """A thread that sleeps for short times, and remembers by how much each was exceeded.

    A machine whose cores are busy delays the judge as it delays the judged: what is measured from
    outside of a process holds both.
    """

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Stalls:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def since_s(self, began_s: float) -> float:
        """Return the seconds that were lost since a moment of time.monotonic()."""
        return sum(late_s for ended_s, late_s in tuple(self._late) if ended_s >= began_s)

    def _run(self) -> None:
        before_s = time.monotonic()
        while not self._ended.wait(_STEP_S):
            now_s = time.monotonic()
            self._late.append((now_s, max(0.0, now_s - before_s - _STEP_S)))
            before_s = now_s


class SharedLateness:
    """How late a process is in all, for another one to read, also when it gets no core now.

    A context of multiprocessing makes the numbers: seconds lost so far, and the time of the last
    step by time.monotonic(), which is one clock for all processes.
    """

    def __init__(self, context: BaseContext) -> None:
        self._numbers = context.Array('d', 2, lock=False)

    def measure(self) -> None:
        """Begin to measure the process that calls this, until it ends."""
        self._numbers[1] = time.monotonic()
        threading.Thread(target=self._run, daemon=True).start()

    def now_s(self) -> float:
        """Return the seconds that were lost up to now."""
        if not self._numbers[1]:  # it has not begun
            return 0.0
        waiting_s = time.monotonic() - self._numbers[1] - _STEP_S
        return self._numbers[0] + max(0.0, waiting_s)

    def _run(self) -> None:
        while True:
            time.sleep(_STEP_S)
            late_s, now_s = self.now_s(), time.monotonic()
            self._numbers[0], self._numbers[1] = late_s, now_s


def run_queue_s(process_id: int) -> dict[str, float]:
    """Return how long each thread of a process has been ready to run without getting a core.

    That is Linux's account of each thread (Documentation/scheduler/sched-stats); empty without it.
    """
    waited: dict[str, float] = {}
    for thread in Path(f'/proc/{process_id}/task').glob('*/schedstat'):
        with suppress(OSError, ValueError):
            waited[thread.parent.name] = int(thread.read_text().split()[1]) / 1e9
    return waited


def delay_s(before: dict[str, float], after: dict[str, float]) -> float:
    """Return by how much other work delayed the most delayed thread between two accounts."""
    return max((waited - before.get(name, 0.0) for name, waited in after.items()), default=0.0)
