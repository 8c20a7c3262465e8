# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads positions, attitudes, heights and gimbal angles from ROS messages of any type.

Messages are objects with ROS 2's field names, as rclpy and rosbags make them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.georeference.rotation import Rotation
from roof_detector.telemetry.gimbal_checks import is_turned_over
from roof_detector.telemetry.photo_pose import ENU_FROM_NED
from roof_detector.telemetry.topic_presets import type_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_HIGHEST_M = 100_000.0
_LONGEST_QUATERNION = 2.0
_LARGEST_SIGMA_M = 1000.0
# Forward, right, down of a body in terms of forward, left, up; its own inverse.
FRD_FROM_FLU = np.diag([1.0, -1.0, -1.0])
# MAVLink, GIMBAL_DEVICE_FLAGS: of which frame the yaw of a gimbal is.
_YAW_LOCK, _YAW_IN_VEHICLE, _YAW_IN_EARTH = 16, 32, 64


class UnusableMessageError(ValueError):
    """Report why a message is not used, in words that follow its count: `without a stamp`."""


@dataclass(frozen=True)
class MessageValues:
    """Reads the values of one role from messages of one type.

    `changes` replaces entries of the type's description in tables/topics.yaml.
    """

    type_name: str
    role: str
    changes: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Return the description of the role's fields."""
        return {**type_fields(self.type_name)[self.role], **self.changes}

    def stamp_ns(self, message: Any, *, log_time_ns: int) -> int:
        """Return the stamp of a message, or when it was received where it has none."""
        kind = type_fields(self.type_name).get('stamp', 'header')
        if kind == 'reception':
            return log_time_ns
        if kind != 'header':
            stamp_ns = int(_at(message, kind)) * 1000
            if stamp_ns <= 0:
                msg = 'without a stamp'
                raise UnusableMessageError(msg)
            return stamp_ns
        stamp = message.header.stamp
        nanosec = getattr(stamp, 'nanosec', 0)
        if not (stamp.sec >= 0 and nanosec < 1_000_000_000 and (stamp.sec or nanosec)):
            msg = 'without a stamp'
            raise UnusableMessageError(msg)
        return int(stamp.sec) * 1_000_000_000 + int(nanosec)

    def position(self, message: Any, assumed: NDArray[np.float64]) -> tuple[float, ...]:
        """Return latitude, longitude, altitude and the covariance (9) of east, north, up.

        `assumed` (3, 3) is the covariance where the message holds none.
        """
        fields = self.fields
        if 'fix_status' in fields and _at(message, fields['fix_status']) < 0:
            msg = 'without a fix'
            raise UnusableMessageError(msg)
        if 'fix_type' in fields and _at(message, fields['fix_type']) < 3:
            msg = 'without a fix'
            raise UnusableMessageError(msg)
        _check_valid(message, fields)
        place = [_number(message, fields[one]) for one in ('latitude', 'longitude', 'altitude')]
        latitude, longitude, altitude = place
        if not (abs(latitude) <= 90 and abs(longitude) <= 360 and abs(altitude) <= _HIGHEST_M):
            msg = 'not a position on Earth'
            raise UnusableMessageError(msg)
        if abs(latitude) < 1e-6 and abs(longitude) < 1e-6:
            msg = 'at latitude 0, longitude 0, as without a fix'
            raise UnusableMessageError(msg)
        return (*place, *_position_covariance(message, fields, assumed).ravel())

    def attitude(self, message: Any, assumed: NDArray[np.float64]) -> tuple[float, ...]:
        """Return the quaternion x, y, z, w of the body (forward, left, up) in east, north, up.

        After it comes the covariance (9) of small rotations about east, north, up; `assumed`
        (3, 3) where the message holds none.
        """
        fields = self.fields
        covariance = _attitude_covariance(message, fields)
        if covariance is not None and covariance[0, 0] == -1:  # Imu: it is not given
            msg = 'not an attitude'
            raise UnusableMessageError(msg)
        known = covariance is not None and covariance.any() and _is_covariance(covariance)
        return (*_rotation(message, fields), *(covariance if known else assumed).ravel())  # type: ignore[union-attr]

    def height(self, message: Any) -> float:
        """Return the height in the map, which counts from where the flight began."""
        fields = self.fields
        _check_valid(message, fields)
        up = _number(message, fields['up'])
        if not math.isfinite(up) or abs(up) > _HIGHEST_M:
            msg = 'not a height'
            raise UnusableMessageError(msg)
        return up

    def gimbal(self, message: Any) -> tuple[NDArray[np.float64], bool]:
        """Return the quaternion x, y, z, w of a camera's axes (forward, left, up).

        It rotates into east, north, up, or where the second value is False into a level frame
        whose x points along the heading of the vehicle.
        """
        fields = self.fields
        if 'flags' in fields:
            flags = int(_at(message, fields['flags']))
            is_earth = bool(flags & _YAW_IN_EARTH) or (
                not flags & _YAW_IN_VEHICLE and bool(flags & _YAW_LOCK)
            )
        else:
            is_earth = fields['yaw'] == 'earth'
        if 'roll' in fields:
            angles = _gimbal_angles(message, fields)
            if self.lacks_yaw(message):  # then it is the vehicle's
                angles[2], is_earth = 0.0, False
            if not np.isfinite(angles).all():
                msg = 'not an attitude'
                raise UnusableMessageError(msg)
            rotation = Rotation.from_euler('ZYX', angles[::-1]).as_matrix()
            return Rotation.from_matrix(
                _as_enu(rotation, fields, earth=is_earth)
            ).as_quat(), is_earth
        rotation = Rotation.from_quat(_quaternion(message, fields)).as_matrix()
        return Rotation.from_matrix(_as_enu(rotation, fields, earth=is_earth)).as_quat(), is_earth

    def lacks_yaw(self, message: Any) -> bool:
        """Return whether a gimbal's message has roll and pitch, and no yaw."""
        if 'roll' not in self.fields:
            return False
        roll, pitch, yaw = _gimbal_angles(message, self.fields)
        return bool(np.isfinite([roll, pitch]).all() and not math.isfinite(yaw))

    def is_turned_over(self, message: Any) -> bool:
        """Return whether a gimbal that looks down has a roll of 180 degrees."""
        if 'roll' not in self.fields:
            return False
        roll, pitch, _ = np.degrees(_gimbal_angles(message, self.fields))
        into_down = 1.0 if self.fields.get('frames') == 'frd_to_ned' else -1.0
        return is_turned_over(into_down * float(pitch), float(roll))

    def place(self, message: Any) -> tuple[float, float, float] | None:
        """Return the position of a pose in its map, in metres; None where there is none."""
        name = self.fields.get('place')
        if name is None:
            return None
        point = _at(message, name)
        place = float(point.x), float(point.y), float(point.z)
        return place if all(abs(one) <= _HIGHEST_M for one in place) else None

    def body_frame(self, message: Any) -> str:
        """Return the frame whose attitude a message holds, '' where it does not say."""
        name = self.fields.get('body_frame')
        return str(_at(message, name)).lstrip('/') if name else ''


def _at(message: Any, path: str) -> Any:
    """Return the field at a dotted path; a number in it is an index."""
    for name in path.split('.') if path else ():
        message = message[int(name)] if name.isdigit() else getattr(message, name)
    return message


def _number(message: Any, wanted: Any) -> float:
    """Return the first number of these fields that the message has and that is not 0."""
    found = math.nan
    for one in wanted if isinstance(wanted, list) else [wanted]:
        path, scale = (one['field'], one['scale']) if isinstance(one, dict) else (one, 1.0)
        try:
            found = float(_at(message, path)) * scale
        except AttributeError:
            continue
        if found and math.isfinite(found):
            break
    return found


def _gimbal_angles(message: Any, fields: Mapping[str, Any]) -> list[float]:
    """Return roll, pitch, yaw in radians as they are told."""
    return [_number(message, fields[one]) for one in ('roll', 'pitch', 'yaw_angle')]


def _check_valid(message: Any, fields: Mapping[str, Any]) -> None:
    if 'valid' in fields and not getattr(message, fields['valid'], True):
        msg = 'that call themselves invalid'
        raise UnusableMessageError(msg)


def _position_covariance(
    message: Any, fields: Mapping[str, Any], assumed: NDArray[np.float64]
) -> NDArray[np.float64]:
    if 'covariance' in fields:
        matrix = np.asarray(_at(message, fields['covariance']), np.float64).reshape(3, 3)
        known = _at(message, fields['covariance_type']) and _is_covariance(matrix)
        return matrix if known else assumed
    covariance = assumed.copy()
    for axes, name in (((0, 1), 'horizontal_sigma'), ((2,), 'vertical_sigma')):
        sigma = _number(message, fields[name]) if name in fields else math.nan
        if 0 < sigma < _LARGEST_SIGMA_M:
            # PX4's eph is of both axes together, epv of the one.
            covariance[axes, axes] = sigma**2 / len(axes)
    return covariance


def _attitude_covariance(message: Any, fields: Mapping[str, Any]) -> NDArray[np.float64] | None:
    if 'covariance' not in fields:
        return None
    numbers = np.asarray(_at(message, fields['covariance']), np.float64)
    return numbers.reshape(6, 6)[3:, 3:] if numbers.size == 36 else numbers.reshape(3, 3)


def _quaternion(message: Any, fields: Mapping[str, Any]) -> NDArray[np.float64]:
    value = _at(message, fields['quaternion'])
    numbers = [value.x, value.y, value.z, value.w] if hasattr(value, 'x') else list(value)
    if fields.get('order') == 'wxyz':
        numbers = [*numbers[1:], numbers[0]]
    quaternion = np.array(numbers, np.float64)
    length = float(np.linalg.norm(quaternion))
    if not 0.5 < length < _LONGEST_QUATERNION:
        msg = 'not an attitude'
        raise UnusableMessageError(msg)
    return quaternion / length


def _rotation(message: Any, fields: Mapping[str, Any]) -> NDArray[np.float64]:
    quaternion = _quaternion(message, fields)
    if fields.get('frames') != 'frd_to_ned':
        return quaternion
    rotation = Rotation.from_quat(quaternion).as_matrix()
    return Rotation.from_matrix(ENU_FROM_NED @ rotation @ FRD_FROM_FLU).as_quat()


def _as_enu(
    rotation: NDArray[np.float64], fields: Mapping[str, Any], *, earth: bool
) -> NDArray[np.float64]:
    """Return a gimbal's rotation from forward, left, up into east, north, up or a level frame."""
    if fields.get('frames') != 'frd_to_ned':
        return rotation
    # Relative to the vehicle, north is its heading: the level frame is forward, left, up.
    into = ENU_FROM_NED if earth else FRD_FROM_FLU
    return into @ rotation @ FRD_FROM_FLU


def _is_covariance(matrix: Any) -> bool:
    """Return whether a matrix (3, 3) is of finite numbers and has no negative variance."""
    return bool(np.isfinite(matrix).all() and (np.diag(matrix) >= 0).all())
