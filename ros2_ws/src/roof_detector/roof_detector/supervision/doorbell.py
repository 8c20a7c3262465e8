# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a watched thread waits for others."""

from __future__ import annotations

import threading
from contextlib import suppress

from roof_detector.supervision.watched_thread import current_heart

# A thread that waits shows that it is alive this often.
BEAT_S = 0.25


class Doorbell:
    """Wakes the one thread that waits here.

    Waiting is a sign of life: it is done in pieces, and whoever waits looks again after each. It
    holds no lock, so that a thread that dies or hangs in its wait is in nobody's way, as it would
    be with a Condition or an Event.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the thread that waits, or have it not wait the next time."""
        with suppress(RuntimeError):  # it was rung already
            self._lock.release()

    def wait(self, timeout_s: float = BEAT_S) -> bool:
        """Wait for a while, at most BEAT_S; return whether it was rung."""
        current_heart().idle()
        return self._lock.acquire(timeout=min(max(timeout_s, 0.0), BEAT_S))
