# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Errors that a node's callbacks raise, counted by cause."""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from diagnostic_msgs.msg import KeyValue

# A repeated error is logged at most this often, independently of all others.
_LOG_PERIOD_S = 5.0
# A remote peer chooses some of the names: causes beyond this number are counted together.
_MOST_CAUSES = 50
_OTHERS = 'others'
_FRAMES = 3


class CallbackErrors:
    """Counts and logs the errors that one node's callbacks raise. Any thread may call it."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._logged_s: dict[str, float] = {}
        self._newest_s: float | None = None
        self.newest = ''

    @property
    def total(self) -> int:
        """Return how many errors there were."""
        with self._lock:
            return sum(self._counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """Return how many errors each cause had."""
        with self._lock:
            return dict(self._counts)

    def since_s(self) -> float | None:
        """Return the age of the newest error in seconds; None before the first."""
        newest_s = self._newest_s
        return None if newest_s is None else time.monotonic() - newest_s

    def note(self, where: str, error: BaseException) -> None:
        """Count an error by the callback that raised it, and log it with its origin."""
        kind = type(error).__name__
        now_s = time.monotonic()
        sentence = f'{where} failed ({kind}: {_one_line(error)}).'
        with self._lock:
            cause = f'{where}.{kind}'
            if cause not in self._counts and len(self._counts) >= _MOST_CAUSES:
                cause = _OTHERS
            self._counts[cause] += 1
            self._newest_s, self.newest = now_s, sentence
            silent = now_s - self._logged_s.get(cause, -_LOG_PERIOD_S) < _LOG_PERIOD_S
            if not silent:
                self._logged_s[cause] = now_s
        if not silent:
            self._logger.error(
                f'{sentence} The node continues without its result. {_origin(error)}'
            )

    def values(self) -> list[KeyValue]:
        """Return the counts as the values of a diagnostic status."""
        counts = self.counts
        values = {'callback_errors': sum(counts.values())}
        values |= {f'callback_errors.{cause}': n for cause, n in sorted(counts.items())}
        return [KeyValue(key=key, value=str(value)) for key, value in values.items()]


_errors_of_nodes: WeakKeyDictionary[Any, CallbackErrors] = WeakKeyDictionary()
_lock = threading.Lock()


def errors_of(node: Any) -> CallbackErrors:
    """Return the errors of a node's callbacks, the same object at each call."""
    with _lock:
        if node not in _errors_of_nodes:
            _errors_of_nodes[node] = CallbackErrors(node.get_logger())
        return _errors_of_nodes[node]


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split())[:300]


def _origin(error: BaseException) -> str:
    """Return the innermost frames of a traceback as one line."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = ', '.join(f'{frame.name} ({frame.filename}:{frame.lineno})' for frame in frames)
    return f'Raised in {places}.' if places else ''
