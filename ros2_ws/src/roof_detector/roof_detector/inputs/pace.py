# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""When a frame is due."""

from __future__ import annotations

import time

from roof_detector.supervision.doorbell import Doorbell


class Pace:
    """Hold frames back until they are due, counted from the first; lateness never adds up."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._stopped = False
        self._bell = Doorbell()

    def wait_until_due(self, due_ns: int | None) -> float:
        """Wait, and return by how many seconds the frame is late; the first one never is.

        None is due at once. Returns at once when stopped.
        """
        if due_ns is None:
            return 0.0
        now = time.monotonic()
        if self._start is None:
            self._start = now - due_ns / 1e9
        early_s = self._start + due_ns / 1e9 - now
        if early_s > 0:
            self.rest(early_s)
            return 0.0
        return -early_s

    def rest(self, duration_s: float) -> None:
        """Wait for a while, or until stopped."""
        until_s = time.monotonic() + duration_s
        while not self._stopped and (left_s := until_s - time.monotonic()) > 0:
            self._bell.wait(left_s)

    def stop(self) -> None:
        """End a wait, from any thread."""
        self._stopped = True
        self._bell.ring()

    @property
    def stopped(self) -> bool:
        """Tell whether `stop` was called."""
        return self._stopped
