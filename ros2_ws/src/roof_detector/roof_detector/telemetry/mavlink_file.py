# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads telemetry logs of MAVLink (.tlog) and logs of ArduPilot's flash (.bin)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.georeference.rotation import Rotation
from roof_detector.telemetry.autopilot_log import LoggedValues
from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from pathlib import Path

_GPS_EPOCH = datetime(1980, 1, 6, tzinfo=timezone.utc)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LEAP_SECONDS = 18  # of GPS time before UTC since 2017
_FIRST_UTC_US = 1_000_000_000_000_000  # September 2001: earlier times are of a clock never set
_YAW_LOCK, _YAW_IN_VEHICLE, _YAW_IN_EARTH = 16, 32, 64
_TYPES = {
    '.tlog': (
        *('GLOBAL_POSITION_INT', 'ATTITUDE', 'SYSTEM_TIME', 'GIMBAL_DEVICE_ATTITUDE_STATUS'),
        'MOUNT_ORIENTATION',
        *('CAMERA_IMAGE_CAPTURED', 'CAMERA_FEEDBACK', 'CAMERA_TRIGGER'),
    ),
    '.bin': ('POS', 'ATT', 'GPS', 'CAM', 'TRIG'),
}


def read_mavlink(path: Path) -> LoggedValues:
    """Return what a log holds; raise TelemetryError for one that pymavlink cannot read."""
    from pymavlink import mavutil  # noqa: PLC0415 - only logs need it

    found = LoggedValues()
    try:
        log = mavutil.mavlink_connection(str(path), robust_parsing=True, dialect='ardupilotmega')
    except Exception as error:  # pymavlink raises anything for another file
        msg = f'{path} cannot be read as a log ({" ".join(str(error).split())}).'
        raise TelemetryError(msg) from error
    try:
        wanted = _TYPES[path.suffix.lower()]
        while (message := log.recv_match(type=list(wanted))) is not None:
            _READERS[message.get_type()](found, message)
    except Exception as error:  # the rest of a damaged log
        if not found.positions:
            msg = f'{path} is damaged ({" ".join(str(error).split())}).'
            raise TelemetryError(msg) from error
    finally:
        log.close()
    return found


def _position(found: LoggedValues, message: Any) -> None:
    place = message.lat / 1e7, message.lon / 1e7, message.alt / 1e3, message.relative_alt / 1e3
    found.positions.append((message.time_boot_ms * 1_000_000, *place))


def _attitude(found: LoggedValues, message: Any) -> None:
    turn = Rotation.from_euler('ZYX', [message.yaw, message.pitch, message.roll])
    found.attitudes.append((message.time_boot_ms * 1_000_000, turn.as_quat()))


def _system_time(found: LoggedValues, message: Any) -> None:
    if message.time_unix_usec > _FIRST_UTC_US:
        stamp_ns = message.time_boot_ms * 1_000_000
        found.utc_ns.append((stamp_ns, message.time_unix_usec * 1000))


def _gimbal(found: LoggedValues, message: Any) -> None:
    w, x, y, z = message.q
    if not 0.5 < np.linalg.norm(message.q) < 2.0:
        return
    flags = int(message.flags)
    is_earth = bool(flags & _YAW_IN_EARTH) or (
        not flags & _YAW_IN_VEHICLE and bool(flags & _YAW_LOCK)
    )
    stamp_ns = message.time_boot_ms * 1_000_000
    found.gimbals.append((stamp_ns, np.array([x, y, z, w], np.float64), is_earth))


def _mount(found: LoggedValues, message: Any) -> None:
    angles = message.yaw, message.pitch, message.roll
    turn = Rotation.from_euler('ZYX', angles, degrees=True)
    found.gimbals.append((message.time_boot_ms * 1_000_000, turn.as_quat(), False))


def _logged_position(found: LoggedValues, message: Any) -> None:
    height = getattr(message, 'RelHomeAlt', message.Alt)
    found.positions.append((message.TimeUS * 1000, message.Lat, message.Lng, message.Alt, height))


def _logged_attitude(found: LoggedValues, message: Any) -> None:
    turn = Rotation.from_euler('ZYX', [message.Yaw, message.Pitch, message.Roll], degrees=True)
    found.attitudes.append((message.TimeUS * 1000, turn.as_quat()))


def _logged_gps(found: LoggedValues, message: Any) -> None:
    if message.Status < 3 or message.GWk < 1000:
        return
    moment = _GPS_EPOCH + timedelta(
        weeks=message.GWk, milliseconds=message.GMS, seconds=-_LEAP_SECONDS
    )
    utc_ns = round((moment - _UNIX_EPOCH).total_seconds() * 1e6) * 1000
    found.utc_ns.append((message.TimeUS * 1000, utc_ns))


def _captured(found: LoggedValues, message: Any) -> None:
    if message.capture_result == 1:
        place = message.lat / 1e7, message.lon / 1e7, message.alt / 1e3
        found.add_exposure('CAMERA_IMAGE_CAPTURED', message.time_boot_ms * 1_000_000, place)


def _feedback(found: LoggedValues, message: Any) -> None:
    place = message.lat / 1e7, message.lng / 1e7, message.alt_msl
    found.add_exposure('CAMERA_FEEDBACK', message.time_usec * 1000, place)


def _trigger(found: LoggedValues, message: Any) -> None:
    found.add_exposure('CAMERA_TRIGGER', message.time_usec * 1000)


def _logged_exposure(found: LoggedValues, message: Any) -> None:
    # `I` counts cameras since ArduPilot 4.4: the photos are taken to be those of the first.
    if getattr(message, 'I', 0) == 0:
        place = message.Lat, message.Lng, message.Alt
        found.add_exposure(message.get_type(), message.TimeUS * 1000, place)


_READERS = {
    'GLOBAL_POSITION_INT': _position,
    'ATTITUDE': _attitude,
    'SYSTEM_TIME': _system_time,
    'GIMBAL_DEVICE_ATTITUDE_STATUS': _gimbal,
    'MOUNT_ORIENTATION': _mount,
    'POS': _logged_position,
    'ATT': _logged_attitude,
    'GPS': _logged_gps,
    'CAM': _logged_exposure,
    'TRIG': _logged_exposure,
    'CAMERA_IMAGE_CAPTURED': _captured,
    'CAMERA_FEEDBACK': _feedback,
    'CAMERA_TRIGGER': _trigger,
}
