# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""So many a second and no more."""

from __future__ import annotations


class RateLimit:
    """Choose from things that come at any times so many a second as are wanted, evenly.

    Turns fall due at equal distances. What comes next takes a turn, a late one too, so that 10 of
    the 30 frames of a second are chosen although none comes just when a turn is due.
    """

    def __init__(self) -> None:
        self._due_s = float('-inf')

    def allows(self, rate_hz: float, *, now_s: float) -> bool:
        """Tell whether what comes now is chosen; at a rate of 0 everything is."""
        if not rate_hz:
            return True
        period_s = 1 / rate_hz
        # A turn that is farther away than one period is of a former, lower rate.
        if 0 < self._due_s - now_s <= period_s:
            return False
        missed = not 0 <= now_s - self._due_s < period_s
        self._due_s = (now_s if missed else self._due_s) + period_s
        return True
