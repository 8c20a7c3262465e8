# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""When photos and videos were taken, by their own tags."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_tags import read_photo_tags, taken_at
from roof_detector.telemetry.subtitles import read_subtitle_telemetry, subtitle_file_of
from roof_detector.vision.moment import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# In the order in which they are believed: Apple's has the time zone, the other one is UTC by its
# definition (ISO 14496-12, 8.2.2).
_APPLE, _CREATED = 'com.apple.quicktime.creationdate', 'creation_time'
_ZONE = re.compile(r'([+-]\d\d)(\d\d)$')
_FRACTION = re.compile(r'\.(\d+)')


def photo_moment(path: Path) -> Moment | None:
    """Return when a photo was taken: by its EXIF with offset, its GPS time, or its local clock."""
    try:
        return Moment.of(taken_at(read_photo_tags(path)))
    except TelemetryError:
        return None


def video_moment(path: Path, metadata: Mapping[str, str]) -> tuple[Moment | None, str]:
    """Return when a video began, and a note on how surely that is known.

    By the tags of its container in UTC, else by the subtitles beside it in the drone's local time.
    """
    if moment := _dated(metadata.get(_APPLE, '')):
        return moment, ''
    if moment := _dated(metadata.get(_CREATED, '')):
        return moment, (
            f'time_utc counts from the creation time of {path.name}, which should be UTC; some '
            'cameras write their local time there'
        )
    subtitles = subtitle_file_of(path)
    if subtitles is None:
        return None, ''
    try:
        records = read_subtitle_telemetry(subtitles).samples
    except TelemetryError:
        return None, ''
    first = next((one for one in records if one.time is not None), None)
    moment = None if first is None else Moment.of(first.time)
    if first is None or moment is None:
        return None, ''
    return moment.later(-round(first.begin_s * 1e9)), ''


def _dated(text: str) -> Moment | None:
    """Return the moment of a date in ISO 8601, None for another text."""
    # Python 3.10 reads a zone with a colon and fractions of three or six digits alone.
    plain = _ZONE.sub(r'\1:\2', text.strip().replace('Z', '+00:00'))
    plain = _FRACTION.sub(lambda match: f'.{match[1][:6]:0<6}', plain)
    try:
        return Moment.of(datetime.fromisoformat(plain))
    except ValueError:
        return None
