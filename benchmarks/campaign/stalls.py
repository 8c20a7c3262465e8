# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How late the threads of a judge come, on a machine that has other work."""

from __future__ import annotations

import threading
import time
from collections import deque

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
