# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A way for a watched thread to wait for other threads."""

from __future__ import annotations

import threading
from contextlib import suppress

from roof_detector.supervision.watched_thread import current_heart

# A waiting thread shows that it is alive this often.
BEAT_S = 0.25


class Doorbell:
    """A wake-up signal for the one thread that waits here.

    Waiting is a sign of life: it is done in short pieces, and the thread checks its condition
    after each. It holds no lock, so that a thread that dies or hangs while waiting blocks nobody,
    as it would with a Condition or an Event.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the waiting thread, or skip its next wait."""
        with suppress(RuntimeError):  # it is ringing already
            self._lock.release()

    def wait(self, timeout_s: float = BEAT_S) -> bool:
        """Wait for a while, at most BEAT_S; return whether the bell rang."""
        current_heart().idle()
        return self._lock.acquire(timeout=min(max(timeout_s, 0.0), BEAT_S))
