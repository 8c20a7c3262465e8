# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Waits until a frame is due."""

from __future__ import annotations

import time

from roof_detector.supervision.doorbell import Doorbell


class Pace:
    """Delays frames until they are due, counted from the first; lateness does not accumulate."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._stopped = False
        self._bell = Doorbell()

    def wait_until_due(self, due_ns: int | None) -> float:
        """Wait, and return how many seconds late the frame is; the first one never is.

        None means due at once. Returns at once when stopped.
        """
        if due_ns is None:
            return 0.0
        now = time.monotonic()
        if self._start is None:
            self._start = now - due_ns / 1e9
        early_s = self._start + due_ns / 1e9 - now
        if early_s > 0:
            self.wait(early_s)
            return 0.0
        return -early_s

    def wait(self, duration_s: float) -> None:
        """Wait for a duration, or until stopped."""
        until_s = time.monotonic() + duration_s
        while not self._stopped and (left_s := until_s - time.monotonic()) > 0:
            self._bell.wait(left_s)

    def stop(self) -> None:
        """End any wait; may be called from any thread."""
        self._stopped = True
        self._bell.ring()

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped
