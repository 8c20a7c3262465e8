# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A log of refused requests with a limited number of lines."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter

_PERIOD_S = 10.0
# Untrusted peers choose the text: it must neither fill the log nor start a new line.
_LONGEST_REASON = 200
_MOST_CAUSES = 64


class RefusalLog:
    """Counts of refusals by cause; each cause is logged at most once in ten seconds."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger('roof_detector.station')
        self.counts: Counter[str] = Counter()
        self._logged: dict[str, tuple[float, int]] = {}

    def refuse(self, peer: str, reason: str, *, detail: str = '') -> None:
        """Count a refusal; `reason` is one of a few, `detail` may contain text of the peer."""
        self.counts[reason] += 1
        now_s = time.monotonic()
        logged_s, logged = self._logged.get(reason, (-_PERIOD_S, 0))
        if now_s - logged_s < _PERIOD_S:
            return
        if len(self._logged) >= _MOST_CAUSES and reason not in self._logged:
            return
        more = self.counts[reason] - logged - 1
        self._logged[reason] = now_s, self.counts[reason]
        also = f' ({more} more since the last such line)' if more else ''
        suffix = f' {one_line(detail)}' if detail else ''
        self._logger.warning('Refused %s: %s.%s%s', peer or 'a peer', reason, suffix, also)


class OneLineErrors(logging.Filter):
    """A filter that reduces exceptions to one line, so that a request cannot fill the log.

    The traceback is logged if the level DEBUG is enabled.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record; the same error at most once in ten seconds."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        words = one_line(record.getMessage().strip())
        sentence = words if error is None else f'{words}: {describe(error)}'
        now_s = time.monotonic()
        if now_s - self._logged.get(sentence, -_PERIOD_S) < _PERIOD_S:
            return False
        if len(self._logged) > _MOST_CAUSES:
            self._logged.clear()
        self._logged[sentence] = now_s
        record.msg, record.args = sentence, ()
        if not logging.getLogger('roof_detector.station').isEnabledFor(logging.DEBUG):
            record.exc_info = record.exc_text = None
        return True


def describe(error: BaseException) -> str:
    """Return type, message and origin of an error as one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f' ({frames[-1].filename}:{frames[-1].lineno})' if frames else ''
    return f'{type(error).__name__}: {one_line(str(error))}{place}'


def one_line(text: str) -> str:
    """Return an untrusted text shortened, with unprintable characters escaped."""
    shown = ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)
    return shown if len(shown) <= _LONGEST_REASON else f'{shown[:_LONGEST_REASON]}...'
