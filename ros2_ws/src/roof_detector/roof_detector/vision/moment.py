# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The moment at which an image was taken, as far as its file tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Clocks that were never set show the first day of an epoch: 1904 of QuickTime, 1970, 1980.
_FIRST_YEAR = 2000


@dataclass(frozen=True)
class Moment:
    """When an image was taken: in UTC, or by the camera's clock where its time zone is not known.

    `utc_ns` counts from 1970; `local` is ISO 8601 without a zone, '' where UTC is known.
    """

    utc_ns: int | None = None
    local: str = ''

    @classmethod
    def of(cls, taken: datetime | None) -> Moment | None:
        """Return the moment of a date, None for none and for clocks that were never set."""
        if taken is None or taken.year < _FIRST_YEAR:
            return None
        if taken.tzinfo is None:
            return cls(local=taken.isoformat(timespec='milliseconds'))
        return cls(utc_ns=round((taken - _EPOCH) / timedelta(microseconds=1)) * 1000)

    @property
    def clock_ns(self) -> int:
        """Return nanoseconds since 1970, of the camera's own clock where UTC is not known."""
        if self.utc_ns is not None:
            return self.utc_ns
        taken = datetime.fromisoformat(self.local).replace(tzinfo=timezone.utc)
        return round((taken - _EPOCH) / timedelta(microseconds=1)) * 1000

    def later(self, nanoseconds: int) -> Moment:
        """Return the moment that is so much later."""
        if self.utc_ns is not None:
            return replace(self, utc_ns=self.utc_ns + nanoseconds)
        taken = datetime.fromisoformat(self.local) + timedelta(microseconds=nanoseconds // 1000)
        return Moment(local=taken.isoformat(timespec='milliseconds'))
