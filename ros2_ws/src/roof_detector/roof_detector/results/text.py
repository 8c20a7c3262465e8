# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Formats names and times for other programs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from roof_detector.inputs.input_files import readable

# Stamps before the year 2000 count from the start of a video or of simulated time.
_FIRST_DATE_NS = 946_684_800 * 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*\x7f]')
_LONGEST_NAME = 120


def file_name(text: str) -> str:
    """Return a text as a valid part of a file name on any system, never empty."""
    plain = _UNSAFE.sub('_', readable(text)).strip(' .')[:_LONGEST_NAME]
    return plain or '_'


def utc_time(stamp_ns: int) -> datetime | None:
    """Return the date of a stamp to the microsecond, None for one that counts from a start."""
    if stamp_ns < _FIRST_DATE_NS:
        return None
    try:
        return _EPOCH + timedelta(microseconds=stamp_ns // 1000)
    except OverflowError:
        return None


def iso_time(stamp_ns: int) -> str:
    """Return the date of a stamp as ISO 8601 in UTC, '' for one that counts from a start."""
    time = utc_time(stamp_ns)
    return '' if time is None else time.isoformat(timespec='microseconds').replace('+00:00', 'Z')
