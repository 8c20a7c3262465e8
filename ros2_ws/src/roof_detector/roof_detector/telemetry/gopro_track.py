# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the positions in the track of telemetry that GoPro cameras write (GPMF).

Keys, lengths and values as described in https://github.com/gopro/gpmf-parser.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from roof_detector.telemetry.telemetry_sample import TelemetrySample, VideoTelemetry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

START = b'DEVC'  # what each packet of the track begins with
NAME = 'GPMF telemetry of a GoPro'
# A receiver without a fix writes 99.99; above this one a position is off by more than 50 m.
_LARGEST_DILUTION = 20.0
_FIX_2D, _FIX_3D = 2, 3
_FIRST_DAY = datetime(2000, 1, 1)  # of GPS9, in UTC
_MOST_DAYS, _SECONDS_A_DAY = 40_000, 86_400
_MOST_HEIGHT_M = 100_000.0
_NUMBERS = {'b': 'b', 'B': 'B', 's': 'h', 'S': 'H', 'l': 'i', 'L': 'I', 'f': 'f', 'd': 'd'}
_NUMBERS |= {'j': 'q', 'J': 'Q'}
_REPEATED = re.compile(r'(\w)\[(\d{1,2})\]')


class _Element(NamedTuple):
    """A key with its values: the letter of their type, bytes a sample, and the bytes of all."""

    key: bytes
    kind: str
    size: int
    data: bytes


class _GpsSample(NamedTuple):
    """A position of the receiver; `altitude_m` None with a fix in two dimensions."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    dilution: float
    fix: int
    time: datetime | None


def gopro_telemetry(path: Path, packets: Iterable[tuple[float, float, bytes]]) -> VideoTelemetry:
    """Return the positions in packets (begin in seconds, length in seconds, content).

    The samples of a packet are spread over its length. They have no attitude: what the camera
    records of its turns does not tell where north is.
    """
    found: dict[bytes, list[TelemetrySample]] = {b'GPS9': [], b'GPS5': []}
    left_out: dict[bytes, Counter[str]] = {b'GPS9': Counter(), b'GPS5': Counter()}
    is_above_sea = False
    for begin_s, length_s, content in packets:
        for stream in _streams(content):
            fields = {one.key: one for one in stream}
            is_above_sea |= _text(fields.get(b'GPSA')).startswith('MSL')
            key = next((one for one in found if one in fields), None)
            if key is None:
                continue
            samples = _samples(fields, key)
            for number, sample in enumerate(samples):
                cause = _unusable(sample)
                if cause:
                    left_out[key][cause] += 1
                    continue
                step_s = length_s / len(samples)
                found[key].append(_record(sample, begin_s + number * step_s, step_s))
    has_older = bool(found[b'GPS5'] or left_out[b'GPS5'])
    key = b'GPS5' if has_older and not found[b'GPS9'] else b'GPS9'
    level = 'the sea' if is_above_sea else 'the ellipsoid of WGS 84'
    notes = [
        f'{path.name}: the positions are those of its {NAME}, whose altitudes count from {level}; '
        'the lens of a GoPro is known only in its linear mode, without curved edges.'
    ]
    notes += [
        f'{path.name}: {count} positions {cause} are left out.'
        for cause, count in sorted(left_out[key].items())
    ]
    return VideoTelemetry(path, tuple(found[key]), tuple(notes), holder=NAME)


def _record(sample: _GpsSample, begin_s: float, step_s: float) -> TelemetrySample:
    return TelemetrySample(
        begin_s=begin_s,
        end_s=begin_s + step_s,
        latitude_deg=sample.latitude_deg,
        longitude_deg=sample.longitude_deg,
        altitude_m=sample.altitude_m,
        time=sample.time,
        dilution=sample.dilution,
    )


def _unusable(sample: _GpsSample) -> str:
    """Return why a sample is left out, '' for one that is used."""
    if sample.fix < _FIX_2D or not 0 <= sample.dilution <= _LARGEST_DILUTION:
        return 'without a fix'
    if abs(sample.latitude_deg) < 1e-6 and abs(sample.longitude_deg) < 1e-6:
        return 'at latitude 0, longitude 0'
    if not (abs(sample.latitude_deg) < 89 and abs(sample.longitude_deg) <= 180):
        return 'outside of 89 and 180 degrees'
    return ''


def _samples(fields: dict[bytes, _Element], key: bytes) -> list[_GpsSample]:
    """Return the samples of a stream, scaled; none where its values do not fit."""
    rows = _rows(fields[key], _text(fields.get(b'TYPE')))
    scales = [number for row in _rows(fields.get(b'SCAL')) for number in row]
    wanted = 9 if key == b'GPS9' else 5
    if not rows or len(rows[0]) < wanted or len(scales) not in (1, len(rows[0])):
        return []
    scales = scales * len(rows[0]) if len(scales) == 1 else scales
    if not all(scales):
        return []
    scaled = [[a / b for a, b in zip(row, scales, strict=True)] for row in rows]
    scaled = [row for row in scaled if all(map(math.isfinite, row))]
    if key == b'GPS9':
        return [
            _GpsSample(
                row[0], row[1], _height(row[2], row[8]), row[7], int(row[8]), _time(*row[5:7])
            )
            for row in scaled
        ]
    fix = int(_first(fields.get(b'GPSF'), 0))
    dilution = _first(fields.get(b'GPSP'), 100.0 * _LARGEST_DILUTION) / 100
    return [
        _GpsSample(row[0], row[1], _height(row[2], fix), dilution, fix, None if number else begun)
        for begun in [_utc(_text(fields.get(b'GPSU')))]
        for number, row in enumerate(scaled)
    ]


def _height(altitude_m: float, fix: float) -> float | None:
    return altitude_m if fix >= _FIX_3D and abs(altitude_m) <= _MOST_HEIGHT_M else None


def _time(days: float, seconds: float) -> datetime | None:
    if not (0 < days <= _MOST_DAYS and 0 <= seconds <= _SECONDS_A_DAY):
        return None
    return _FIRST_DAY + timedelta(days=days, seconds=seconds)


def _utc(text: str) -> datetime | None:
    """Return the time in `yymmddhhmmss.sss`."""
    try:
        return datetime.strptime(text, '%y%m%d%H%M%S.%f')
    except ValueError:
        return None


def _streams(content: bytes) -> Iterator[list[_Element]]:
    """Yield the elements of each stream of each device."""
    for device in _elements(content):
        if device.key == START:
            for stream in _elements(device.data):
                if stream.key == b'STRM':
                    yield list(_elements(stream.data))


def _elements(content: bytes) -> Iterator[_Element]:
    """Yield the elements of a level, up to one that is cut off."""
    at = 0
    while at + 8 <= len(content):
        key, kind, size, count = struct.unpack_from('>4scBH', content, at)
        end = at + 8 + size * count
        if key == b'\0\0\0\0' or end > len(content):
            return
        yield _Element(key, kind.decode('latin-1'), size, content[at + 8 : end])
        at = end + -end % 4


def _rows(element: _Element | None, structure: str = '') -> list[tuple[float, ...]]:
    """Return the numbers of each sample; none for values that are no numbers."""
    if element is None or not element.size:
        return []
    letters = element.kind
    if letters == '?':
        letters = _REPEATED.sub(lambda match: match[1] * int(match[2]), structure)
    elif letters in _NUMBERS:
        letters *= element.size // struct.calcsize('>' + _NUMBERS[letters])
    if not letters or any(one not in _NUMBERS for one in letters):
        return []
    layout = struct.Struct('>' + ''.join(_NUMBERS[one] for one in letters))
    if layout.size != element.size:
        return []
    return list(layout.iter_unpack(element.data))


def _first(element: _Element | None, otherwise: float) -> float:
    rows = _rows(element)
    return rows[0][0] if rows and math.isfinite(rows[0][0]) else otherwise


def _text(element: _Element | None) -> str:
    return element.data.split(b'\0')[0].decode('latin-1') if element is not None else ''
