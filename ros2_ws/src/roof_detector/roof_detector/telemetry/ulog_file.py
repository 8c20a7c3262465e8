# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads logs of PX4 (.ulg)."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.telemetry.autopilot_log import LoggedValues
from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from pathlib import Path

_TOPICS = (
    *('vehicle_global_position', 'vehicle_attitude', 'vehicle_local_position'),
    *('vehicle_gps_position', 'sensor_gps', 'gimbal_device_attitude_status'),
    *('camera_capture', 'camera_trigger'),
)
_YAW_LOCK, _YAW_IN_VEHICLE, _YAW_IN_EARTH = 16, 32, 64
_FIRST_UTC_US = 1_000_000_000_000_000


def read_ulog(path: Path) -> LoggedValues:
    """Return what a log holds; raise TelemetryError for one that pyulog cannot read."""
    from pyulog import ULog  # noqa: PLC0415 - only logs need it

    try:
        with redirect_stdout(StringIO()):  # where pyulog prints what is damaged
            log = ULog(str(path), list(_TOPICS))
    except Exception as error:  # pyulog raises anything for another file
        msg = f'{path} cannot be read as a log of PX4 ({" ".join(str(error).split())}).'
        raise TelemetryError(msg) from error
    topics: dict[str, dict[str, Any]] = {}
    for one in log.data_list:
        topics.setdefault(one.name, one.data)
    found = LoggedValues()
    if log.file_corruption:
        found.remarks.append('parts of it are damaged and left out.')
    place = topics.get('vehicle_global_position')
    if place is not None:
        heights = _heights(place, topics.get('vehicle_local_position'))
        columns = place['timestamp'], place['lat'], place['lon'], place['alt'], heights
        found.positions = [
            (int(stamp) * 1000, float(latitude), float(longitude), float(altitude), float(height))
            for stamp, latitude, longitude, altitude, height in zip(*columns, strict=True)
        ]
    found.attitudes = [(s, q) for s, q in _quaternions(topics.get('vehicle_attitude'))]
    gimbal = topics.get('gimbal_device_attitude_status')
    for number, (stamp_ns, quaternion) in enumerate(_quaternions(gimbal)):
        flags = int(gimbal['device_flags'][number]) if gimbal else 0
        is_earth = bool(flags & _YAW_IN_EARTH) or (
            not flags & _YAW_IN_VEHICLE and bool(flags & _YAW_LOCK)
        )
        found.gimbals.append((stamp_ns, quaternion, is_earth))
    _add_exposures(found, topics)
    gps = topics.get('vehicle_gps_position') or topics.get('sensor_gps') or {}
    for stamp, utc_us in zip(gps.get('timestamp', ()), gps.get('time_utc_usec', ()), strict=False):
        if utc_us > _FIRST_UTC_US:
            found.utc_ns.append((int(stamp) * 1000, int(utc_us) * 1000))
    return found


def _add_exposures(found: LoggedValues, topics: dict[str, dict[str, Any]]) -> None:
    captured = topics.get('camera_capture')
    if captured is not None:
        results = captured.get('result', np.ones(len(captured['timestamp'])))
        columns = (captured[name] for name in ('timestamp', 'lat', 'lon', 'alt'))
        for stamp, latitude, longitude, altitude, result in zip(*columns, results, strict=True):
            if result == 1:
                place = float(latitude), float(longitude), float(altitude)
                found.add_exposure('camera_capture', int(stamp) * 1000, place)
    triggered = topics.get('camera_trigger')
    if triggered is not None:
        stamps = np.asarray(triggered['timestamp'])
        reported = np.asarray(triggered.get('feedback', np.zeros(len(stamps)))).astype(bool)
        for stamp in stamps[reported] if reported.any() else stamps:
            found.add_exposure('camera_trigger', int(stamp) * 1000)


def _heights(place: dict[str, Any], local: dict[str, Any] | None) -> Any:
    """Return heights over the place of take-off, which without a local position is the first."""
    if local is not None:
        return np.interp(place['timestamp'], local['timestamp'], -local['z'].astype(float))
    return place['alt'] - place['alt'][0]


def _quaternions(topic: dict[str, Any] | None) -> list[tuple[int, Any]]:
    if topic is None:
        return []
    wxyz = np.column_stack([topic[f'q[{k}]'] for k in range(4)]).astype(np.float64)
    usable = np.abs(np.linalg.norm(wxyz, axis=1) - 1.0) < 0.5
    return [
        (int(stamp) * 1000, row[[1, 2, 3, 0]])
        for stamp, row, is_usable in zip(topic['timestamp'], wxyz, usable, strict=True)
        if is_usable
    ]
