# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Words that are not repeated all the time."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# Causes are few; where a foreign text became one, the oldest are forgotten.
_MOST_CAUSES = 200


def cause_of(sentence: str) -> str:
    """Return what a sentence has in common with others of its kind: all but its numbers."""
    return re.sub(r'\d+', '#', sentence)


@dataclass
class _Cause:
    said_at_s: float
    unsaid: int = 0


class Throttle:
    """Say each cause at most once in a period, and how often it was not said since.

    One cause never silences another. Any thread may call.
    """

    def __init__(
        self,
        say: Callable[[str], object],
        *,
        period_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._period_s = period_s
        self._clock = clock
        self._lock = threading.Lock()
        self._causes: dict[str, _Cause] = {}

    def __call__(self, cause: str, sentence: str) -> None:
        """Say a sentence, unless its cause was said a moment ago."""
        now_s = self._clock()
        with self._lock:
            known = self._causes.pop(cause, None)
            if known is not None and now_s - known.said_at_s < self._period_s:
                known.unsaid += 1
                self._causes[cause] = known
                return
            self._causes[cause] = _Cause(now_s)
            if len(self._causes) > _MOST_CAUSES:
                del self._causes[next(iter(self._causes))]
        more = f' ({known.unsaid} more of the kind since.)' if known and known.unsaid else ''
        self._say(f'{sentence}{more}')
