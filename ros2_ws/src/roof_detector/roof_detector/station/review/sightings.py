# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sightings of findings, read from the file of an inspection."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.store_reader import open_reader
from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.findings.store_reader import StoreReader

# More of one finding nobody pages through; the best are shown, and how many there are.
MOST_SIGHTINGS = 200
_COLUMNS = (
    's.fid, s.flight, s.source, s.topic, s.frame, s.name, s.stamp_ns, s."class", s.confidence, '
    's.left_px, s.top_px, s.right_px, s.bottom_px, s.track, s.metres_per_pixel, '
    'f.width_px, f.height_px'
)
_TABLES = (
    'sightings s LEFT JOIN frames f ON f.flight = s.flight AND f.topic = s.topic '
    'AND f.frame = s.frame'
)


@dataclass(frozen=True, kw_only=True)
class StoredSighting:
    """One detection of a finding: in which frame of which recording, and where in it.

    `size_wh` is that of the image, (0, 0) where it is unknown.
    """

    fid: int
    flight: str
    source: str
    topic: str
    index: int
    name: str
    stamp_ns: int
    class_name: str
    confidence: float
    box_xyxy: tuple[float, float, float, float]
    track: int
    metres_per_pixel: float | None
    size_wh: tuple[int, int]

    def row(self) -> dict[str, Any]:
        """Return what the page shows."""
        track = f'{self.flight}|{self.topic}#{self.track}' if self.track > 0 else ''
        return {
            'fid': self.fid,
            'flight': self.flight,
            'name': self.name,
            'time_ms': self.stamp_ns // 1_000_000,
            'class': self.class_name,
            'confidence': round(self.confidence, 3),
            'track': track,
            'mm_per_px': self.metres_per_pixel and round(self.metres_per_pixel * 1e3, 1),
        }


def read_sightings(path: Path, numbers: Sequence[int]) -> tuple[list[StoredSighting], int]:
    """Return the most confident sightings of findings in their order of time, and the count."""
    marks = ', '.join('?' * len(numbers))
    with open_reader(path) as reader:
        ((count,),) = reader.rows(
            f'SELECT count(*) FROM sightings WHERE finding IN ({marks})', *numbers
        )
        rows = reader.rows(
            f'SELECT {_COLUMNS} FROM {_TABLES} WHERE s.finding IN ({marks}) '
            'ORDER BY s.confidence DESC LIMIT ?',
            *numbers,
            MOST_SIGHTINGS,
        )
    if not rows:  # the inspector writes none during a flight
        best = read_sighting(path, -numbers[0])
        return [best], 0
    found = [_sighting(path, row) for row in rows]
    return sorted(found, key=lambda one: (one.flight, one.stamp_ns, one.fid)), int(count)


def read_sighting(path: Path, fid: int) -> StoredSighting:
    """Return one sighting, by minus its number the best of a finding; raise StationError."""
    with open_reader(path) as reader:
        if fid < 0:
            return _best_of_finding(reader, -fid)
        rows = reader.rows(f'SELECT {_COLUMNS} FROM {_TABLES} WHERE s.fid = ? LIMIT 1', fid)
    if not rows:
        # Its numbers are never given again: a page that is told so asks for the list again.
        msg = f'There is no sighting {fid} any more; the inspection was made again.'
        raise StationError(msg, status=410)
    return _sighting(path, rows[0])


def best_sighting(path: Path, numbers: Sequence[int]) -> StoredSighting:
    """Return the sighting that shows a finding best: whole, confident and from near."""
    marks = ', '.join('?' * len(numbers))
    with open_reader(path) as reader:
        rows = reader.rows(
            f'SELECT {_COLUMNS} FROM {_TABLES} WHERE s.finding IN ({marks}) ORDER BY '
            'coalesce(s.cut, 0), s.confidence / max(coalesce(s.metres_per_pixel, 1), 1e-4) DESC '
            'LIMIT 1',
            *numbers,
        )
    return _sighting(path, rows[0]) if rows else read_sighting(path, -numbers[0])


def _best_of_finding(reader: StoreReader, number: int) -> StoredSighting:
    """Return what a finding itself says of the image that shows it best."""
    rows = reader.rows(
        'SELECT best_source, best_topic, best_frame, best_name, best_stamp_ns, "class", '
        'best_confidence, best_box_px, best_metres_per_pixel, flights FROM findings '
        'WHERE number = ? LIMIT 1',
        number,
    )
    if not rows:
        msg = f'There is no finding {number} any more; the inspection was made again.'
        raise StationError(msg, status=404)
    *frame, class_name, confidence, box, resolution, flights = rows[0]
    try:
        corners, flight = json.loads(box), next(iter(json.loads(flights)), '')
        values = (-number, flight, *frame, class_name, confidence, *corners)
        return _sighting(reader.path, (*values, 0, resolution, 0, 0))
    except (ValueError, TypeError) as error:
        msg = f'{reader.path} has a finding {number} that cannot be read; restore a copy.'
        raise FindingsError(msg) from error


def _sighting(path: Path, row: tuple[Any, ...]) -> StoredSighting:
    fid, flight, source, topic, index, name, stamp_ns, class_name, confidence, *rest = row
    *box, track, resolution, width, height = rest
    texts, numbers = (flight, source, topic, name, class_name), (confidence, *box)
    if not (
        all(isinstance(one, str) for one in texts)
        and all(isinstance(one, (int, float)) and math.isfinite(one) for one in numbers)
        and all(isinstance(one, int) for one in (fid, index, stamp_ns, track))
    ):
        msg = f'{path} has a sighting {fid!r} that cannot be read; restore it from a copy.'
        raise FindingsError(msg)
    left, top, right, bottom = box
    return StoredSighting(
        fid=fid,
        flight=flight,
        source=source,
        topic=topic,
        index=index,
        name=name,
        stamp_ns=stamp_ns,
        class_name=class_name,
        confidence=confidence,
        box_xyxy=(left, top, right, bottom),
        track=track,
        metres_per_pixel=resolution if isinstance(resolution, float) else None,
        size_wh=(width or 0, height or 0),
    )
