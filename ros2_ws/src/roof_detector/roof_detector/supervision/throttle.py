# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rate limiting of repeated log messages."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Causes are few; if a foreign text becomes one, the oldest are forgotten.
_MOST_CAUSES = 200


def cause_of(sentence: str) -> str:
    """Return the part of a sentence that its kind has in common: everything except numbers."""
    return re.sub(r'\d+', '#', sentence)


@dataclass
class _Cause:
    logged_at_s: float
    suppressed: int = 0


class Throttle:
    """A logger that repeats each cause at most once per period and counts what it left out.

    One cause never silences another. Any thread may call it.
    """

    def __init__(
        self,
        log: Callable[[str], object],
        *,
        period_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._period_s = period_s
        self._clock = clock
        self._lock = threading.Lock()
        self._causes: dict[str, _Cause] = {}

    def __call__(self, cause: str, sentence: str) -> None:
        """Log a sentence, unless its cause was logged a moment ago."""
        now_s = self._clock()
        with self._lock:
            known = self._causes.pop(cause, None)
            if known is not None and now_s - known.logged_at_s < self._period_s:
                known.suppressed += 1
                self._causes[cause] = known
                return
            self._causes[cause] = _Cause(now_s)
            if len(self._causes) > _MOST_CAUSES:
                del self._causes[next(iter(self._causes))]
        more = (
            f' ({known.suppressed} more of the kind since.)' if known and known.suppressed else ''
        )
        self._log(f'{sentence}{more}')
