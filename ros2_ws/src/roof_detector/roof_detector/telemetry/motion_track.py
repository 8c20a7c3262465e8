# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the positions in a track of camera motion (CAMM), which 360 degree cameras write.

As described in https://developers.google.com/streetview/publish/camm-spec.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from roof_detector.telemetry.telemetry_sample import TelemetrySample, VideoTelemetry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = 'CAMM telemetry'
_HEAD = struct.Struct('<HH')  # reserved, type
_PLACE = struct.Struct('<3d')  # type 5: latitude, longitude, altitude
# Type 6: GPS time, fix, latitude, longitude, altitude, accuracies and velocities.
_GPS = struct.Struct('<di2d7f')
_BYTES = {0: 12, 1: 8, 2: 12, 3: 12, 4: 12, 5: _PLACE.size, 6: _GPS.size, 7: 12}
_FIX_2D, _FIX_3D = 2, 3
_MOST_HEIGHT_M = 100_000.0


def is_motion_packet(content: bytes) -> bool:
    """Return whether a packet of data is one of camera motion, by its type and length."""
    if len(content) < _HEAD.size:
        return False
    reserved, kind = _HEAD.unpack_from(content)
    return reserved == 0 and _BYTES.get(kind) == len(content) - _HEAD.size


def motion_telemetry(path: Path, packets: Iterable[tuple[float, float, bytes]]) -> VideoTelemetry:
    """Return the positions in packets (begin in seconds, length in seconds, content).

    The orientations of such a track are relative to an unnamed direction and are not used.
    """
    records: list[TelemetrySample] = []
    unusable = 0
    for begin_s, length_s, content in packets:
        if not is_motion_packet(content):
            continue
        _, kind = _HEAD.unpack_from(content)
        if kind == 5:
            fix = _FIX_3D
            latitude, longitude, altitude = _PLACE.unpack_from(content, _HEAD.size)
        elif kind == 6:
            values = _GPS.unpack_from(content, _HEAD.size)
            fix, latitude, longitude, altitude = values[1:5]
        else:
            continue
        if fix < _FIX_2D or not _is_on_earth(latitude, longitude):
            unusable += 1
            continue
        has_altitude = fix >= _FIX_3D and abs(altitude) <= _MOST_HEIGHT_M
        records.append(
            TelemetrySample(
                begin_s=begin_s,
                end_s=begin_s + length_s,
                latitude_deg=latitude,
                longitude_deg=longitude,
                altitude_m=altitude if has_altitude else None,
            )
        )
    notes = [f'{path.name}: the positions are those of its {NAME}.']
    if unusable:
        notes.append(f'{path.name}: {unusable} positions without a fix are left out.')
    return VideoTelemetry(path, tuple(records), tuple(notes), holder=NAME)


def _is_on_earth(latitude: float, longitude: float) -> bool:
    is_placed = abs(latitude) > 1e-6 or abs(longitude) > 1e-6
    is_finite = math.isfinite(latitude) and math.isfinite(longitude)
    return is_finite and is_placed and abs(latitude) < 89 and abs(longitude) <= 180
