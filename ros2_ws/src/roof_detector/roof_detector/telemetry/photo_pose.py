# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the position, attitude and lens of a photo from its EXIF and XMP."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import radians
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.georeference.lens import Lens
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.shown_image import optical_turn
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.gimbal_checks import is_reversed, is_turned_over
from roof_detector.telemetry.photo_lens import photo_lens
from roof_detector.telemetry.photo_tags import (
    PhotoTags,
    as_number,
    gps_degrees,
    photo_table,
    read_photo_tags,
    taken_at,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

_RTK_FIXED = 50
# The end of the name of an altitude's source.
ABOVE_ELLIPSOID = ', above the ellipsoid'
_LEAST_SIGMA_M = 0.01
_LARGEST_SIGMA_M = 100.0
_MOST_HEIGHT_M = 100_000.0
_MOST_DEGREES = 720.0
# If only the heading of the aircraft is known, the camera looks approximately straight down.
_ASSUMED_TILT_DEG, _ASSUMED_HEADING_DEG = 10.0, 10.0
# Body axes (x forward, y right, z down) of a camera in terms of its optical ones (REP-103).
BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
ENU_FROM_NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


@dataclass(frozen=True, eq=False, kw_only=True)
class PhotoPose:
    """The position, attitude and lens of one photo, for the image as shown (EXIF applied).

    `altitude_m` is the altitude in the file: above the sea or, for RTK drones, the ellipsoid.
    `relative_altitude_m` is above the take-off point. `rotation` (3, 3) rotates vectors of the
    optical frame (z forward, x right, y down) into east, north, up. `sources` names the tags that
    each value comes from, `notes` has a sentence for each unusual tag.
    """

    path: Path
    taken_at: datetime | None
    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    relative_altitude_m: float | None
    rotation: NDArray[np.float64]
    lens: Lens
    position_covariance: NDArray[np.float64]
    attitude_covariance: NDArray[np.float64]
    sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_ellipsoidal(self) -> bool:
        """Return whether the altitude counts from the ellipsoid, as that of RTK does."""
        return self.sources.get('altitude', '').endswith(ABOVE_ELLIPSOID)


def read_photo_pose(path: Path, *, uncertainty: Uncertainty | None = None) -> PhotoPose:
    """Read the pose of a photo; raise TelemetryError if its tags do not hold it.

    `uncertainty` applies if the file holds no standard deviations.
    """
    return photo_pose(read_photo_tags(path), uncertainty=uncertainty or Uncertainty())


def photo_pose(tags: PhotoTags, *, uncertainty: Uncertainty) -> PhotoPose:
    """Return the pose in the tags of a photo, or raise TelemetryError."""
    notes: list[str] = []
    latitude, longitude, position_source = _place(tags)
    attitude = _attitude(tags, notes)
    lens, lens_source = photo_lens(tags)
    altitude = _possible(tags.table_number('absolute_altitude_m'), _MOST_HEIGHT_M)
    altitude_source = 'AbsoluteAltitude'
    if _has_rtk(tags):
        altitude_source += ABOVE_ELLIPSOID
    if altitude is None:
        altitude, altitude_source = _possible(_exif_altitude(tags), _MOST_HEIGHT_M), 'GPSAltitude'
    rotation = ENU_FROM_NED @ attitude.ned_from_body @ BODY_FROM_OPTICAL
    rotation, lens = as_shown(rotation, lens, as_number(tags.exif.get('Orientation')))
    covariance = attitude.covariance
    position_covariance, covariance_source = _position_covariance(tags, uncertainty)
    return PhotoPose(
        path=tags.path,
        taken_at=taken_at(tags),
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_m=altitude,
        relative_altitude_m=_possible(tags.table_number('relative_altitude_m'), _MOST_HEIGHT_M),
        rotation=rotation,
        lens=lens,
        position_covariance=position_covariance,
        attitude_covariance=uncertainty.attitude_covariance if covariance is None else covariance,
        sources={
            'position': position_source,
            'altitude': altitude_source if altitude is not None else '',
            'attitude': attitude.source,
            'lens': lens_source,
            'position_covariance': covariance_source,
        },
        notes=tuple(notes),
    )


def ned_from_body(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """Return the rotation (3, 3) of body axes (forward, right, down) into north, east, down.

    Yaw about down, then pitch about the right axis (nose up positive), then roll about forward:
    the order of aviation and of DJI's gimbal angles.
    """
    turned = Rotation.from_euler('ZYX', [yaw_deg, pitch_deg, roll_deg], degrees=True)
    return np.asarray(turned.as_matrix())


@dataclass(frozen=True)
class _Attitude:
    """A camera's attitude; without a covariance the caller's assumption applies."""

    ned_from_body: NDArray[np.float64]
    source: str
    covariance: NDArray[np.float64] | None = None


def _place(tags: PhotoTags) -> tuple[float, float, str]:
    table = photo_table()
    latitude, longitude = tags.number(table['latitude']), tags.number(table['longitude'])
    source = 'XMP latitude and longitude'
    if latitude is None or longitude is None or _is_null_island(latitude, longitude):
        latitude, longitude = gps_degrees(tags, 'Latitude'), gps_degrees(tags, 'Longitude')
        source = 'EXIF GPS'
    if latitude is None or longitude is None:
        msg = f'{tags.path} does not hold where it was taken: it has no GPS position.'
        raise TelemetryError(msg)
    if _is_null_island(latitude, longitude):
        msg = (
            f'{tags.path} gives its position as latitude {latitude:g}, longitude {longitude:g}: '
            'cameras write that without a GPS fix.'
        )
        raise TelemetryError(msg)
    if not (abs(latitude) < 89 and abs(longitude) <= 180):
        msg = (
            f'{tags.path} gives its position as latitude {latitude:g}, longitude {longitude:g}; '
            'expected degrees within 89 and 180.'
        )
        raise TelemetryError(msg)
    return latitude, longitude, source


def _is_null_island(latitude: float, longitude: float) -> bool:
    return abs(latitude) < 1e-6 and abs(longitude) < 1e-6


def _has_rtk(tags: PhotoTags) -> bool:
    """Return whether the altitude is that of an RTK receiver, by its flag or its type."""
    is_named = str(tags.xmp.get('drone-dji:AltitudeType', '')).lower().startswith('rtk')
    return is_named or bool(tags.table_number('rtk_flag'))


def _possible(value: float | None, most: float) -> float | None:
    """Return a number of a possible size, None for any other."""
    return value if value is not None and abs(value) <= most else None


def _exif_altitude(tags: PhotoTags) -> float | None:
    altitude = as_number(tags.gps.get('GPSAltitude'))
    is_below = tags.gps.get('GPSAltitudeRef') in (1, b'\x01', '1')
    return -altitude if altitude is not None and is_below else altitude


def _attitude(tags: PhotoTags, notes: list[str]) -> _Attitude:
    flight_yaw = _possible(tags.table_number('flight_yaw'), _MOST_DEGREES)
    for convention in photo_table()['camera_attitudes']:
        angles = [
            _possible(tags.number((convention[axis],)), _MOST_DEGREES)
            for axis in ('yaw', 'pitch', 'roll')
        ]
        if angles[0] is None or angles[1] is None:
            continue
        yaw, pitch, roll = angles[0], angles[1], angles[2] or 0.0
        if yaw == pitch == roll == 0.0:
            notes.append(
                f'all angles of the {convention["name"]} are zero, which payloads without '
                'angles write; they are not used.'
            )
            continue
        return _known_attitude(convention, (yaw, pitch, roll), flight_yaw, notes)
    if flight_yaw is None:
        msg = (
            f'{tags.path} does not hold the attitude of its camera: it has neither gimbal angles '
            'nor a heading of the aircraft.'
        )
        raise TelemetryError(msg)
    notes.append(
        'only the heading of the aircraft is known; the camera is assumed to look straight down, '
        f'within {_ASSUMED_TILT_DEG:g} degrees.'
    )
    tilt, heading = radians(_ASSUMED_TILT_DEG), radians(_ASSUMED_HEADING_DEG)
    return _Attitude(
        ned_from_body(flight_yaw, -90.0, 0.0),
        'heading of the aircraft, camera assumed to look straight down',
        np.diag([tilt**2, tilt**2, heading**2]),
    )


def _known_attitude(
    convention: dict[str, Any],
    angles: tuple[float, float, float],
    flight_yaw: float | None,
    notes: list[str],
) -> _Attitude:
    yaw, pitch, roll = angles
    nadir_pitch = float(convention['nadir_pitch'])
    if nadir_pitch == 0.0 and pitch < -45.0:
        # Some Autel cameras write pitch from the horizon into tags that count from the nadir.
        notes.append(
            f'the pitch of the {convention["name"]} would look backwards; it is assumed to '
            'count from the horizon.'
        )
        nadir_pitch = -90.0
    pitch += -90.0 - nadir_pitch
    roll *= float(convention.get('roll_sign', 1))
    if flight_yaw is not None and is_turned_over(pitch, roll):
        # Straight down, a roll of 180 degrees reverses the heading; some cameras have corrected
        # yaw for it and some have not.
        turned = ned_from_body(yaw, pitch, roll)[:2, 2]  # where the upper edge points, reversed
        heading = np.degrees(np.arctan2(-turned[1], -turned[0]))
        if is_reversed(float(heading), yaw, flight_yaw):
            notes.append(
                f'a roll of {roll:g} degrees contradicts the heading of the aircraft; it is taken '
                'as zero.'
            )
            roll = 0.0
    return _Attitude(ned_from_body(yaw, pitch, roll), str(convention['name']))


def _position_covariance(
    tags: PhotoTags, uncertainty: Uncertainty
) -> tuple[NDArray[np.float64], str]:
    """Return the covariance (3, 3) of east, north, up, and where it comes from.

    The deviations of an RTK drone count only with a fixed solution: a single one claims
    centimetres as well.
    """
    sigmas = [tags.table_number(f'{axis}_sigma_m') for axis in ('east', 'north', 'up')]
    known = [one for one in sigmas if one is not None and 0 < one < _LARGEST_SIGMA_M]
    flag = tags.table_number('rtk_flag')
    has_solution = not {'drone-dji:RtkStdLon', 'drone:RtkStdLon'}.isdisjoint(tags.xmp)
    if len(known) < 3 or (has_solution and flag != _RTK_FIXED):
        return uncertainty.fix_covariance, 'assumed, as of plain GPS'
    return np.diag(np.maximum(known, _LEAST_SIGMA_M) ** 2), 'recorded standard deviations'


def as_shown(
    rotation: NDArray[np.float64], lens: Lens, orientation: float | None
) -> tuple[NDArray[np.float64], Lens]:
    """Return attitude and lens for the image rotated by EXIF's Orientation (3, 6 or 8).

    Raises TelemetryError for one that is mirrored.
    """
    number = int(orientation) if orientation is not None and orientation.is_integer() else 1
    turn = optical_turn(number)
    if turn is None:
        msg = (
            f'Its Orientation is {number}: it is shown mirrored, and no camera sees so; '
            'save it upright for its place to be used.'
        )
        raise TelemetryError(msg)
    width, height = lens.size_wh
    (fx, _, cx), (_, fy, cy), _ = lens.matrix
    k1, k2, p1, p2, *more = lens.distortion or (0.0, 0.0, 0.0, 0.0)
    if number == 3:
        matrix, size = [[fx, 0, width - 1 - cx], [0, fy, height - 1 - cy]], (width, height)
        p1, p2 = -p1, -p2
    elif number == 6:  # shown a quarter clockwise: right is what was up
        matrix, size = [[fy, 0, height - 1 - cy], [0, fx, cx]], (height, width)
        p1, p2 = p2, -p1
    elif number == 8:
        matrix, size = [[fy, 0, cy], [0, fx, width - 1 - cx]], (height, width)
        p1, p2 = -p2, p1
    else:
        return rotation, lens
    distortion = (k1, k2, p1, p2, *more) if lens.distortion else ()
    turned = Lens(
        size_wh=size,
        matrix=np.array([*matrix, [0, 0, 1]], np.float64),
        distortion=distortion,
        model=lens.model,
    )
    return rotation @ turn, turned
