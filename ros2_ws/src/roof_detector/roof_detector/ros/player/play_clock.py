# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The clock of a bag that is played."""

from __future__ import annotations

import threading
import time

from roof_detector.supervision.doorbell import Doorbell


class PlayClock:
    """A clock with the time of a bag, at a factor of real time, that can be paused.

    It stands at `begin_ns` until `start`. Any thread may call any method; only one may wait.
    """

    def __init__(self, begin_ns: int, *, rate: float, paused: bool) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._changed = Doorbell()
        self._anchor_ns = begin_ns
        self._anchor_s = time.monotonic()
        self._running = False
        self.paused = paused
        self._stopped = False

    def start(self, begin_ns: int) -> None:
        """Set the time and start the clock, unless it is paused."""
        with self._lock:
            self._set(begin_ns)
            self._running = True
        self._changed.ring()

    def pause(self, *, paused: bool) -> None:
        """Pause the clock, or resume it from where it stood."""
        with self._lock:
            self._set(self._now_ns())
            self.paused = paused
        self._changed.ring()

    def stop(self) -> None:
        """End all waiting."""
        self._stopped = True
        self._changed.ring()

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped

    def now_ns(self) -> int:
        """Return the time in the bag."""
        with self._lock:
            return self._now_ns()

    def wait_until(self, time_ns: int, *, at_most_s: float) -> bool:
        """Wait at most `at_most_s` for a time of the bag; return whether the clock reached it."""
        with self._lock:
            wait_s = at_most_s
            if self._running and not self.paused:
                wait_s = min(wait_s, (time_ns - self._now_ns()) / 1e9 / self._rate)
        until_s = time.monotonic() + wait_s
        while not self._stopped and (left_s := until_s - time.monotonic()) > 0:
            if self._changed.wait(left_s):
                break
        with self._lock:
            is_running = self._running and not self.paused
            return is_running and self._now_ns() >= time_ns

    def _now_ns(self) -> int:
        if self.paused or not self._running:
            return self._anchor_ns
        return self._anchor_ns + round((time.monotonic() - self._anchor_s) * 1e9 * self._rate)

    def _set(self, time_ns: int) -> None:
        self._anchor_ns, self._anchor_s = time_ns, time.monotonic()
