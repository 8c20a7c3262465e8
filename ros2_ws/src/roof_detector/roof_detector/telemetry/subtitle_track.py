# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Builds the track of a video's camera from the telemetry in its subtitles or tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.altitude_steps import altitude_step_note
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.gimbal_checks import checked_angles
from roof_detector.telemetry.photo_lens import film_focal_px
from roof_detector.telemetry.photo_pose import (
    BODY_FROM_OPTICAL,
    ENU_FROM_NED,
    ned_from_body,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from roof_detector.georeference.ground import Ground
    from roof_detector.telemetry.telemetry_sample import TelemetrySample, VideoTelemetry

# Subtitles come once a second or once a frame; one that is missing is bridged.
_MAX_GAP_S, _MAX_BEYOND_S = 2.5, 1.5
# Subtitles hold the newest fix, up to a tenth of a second old at 10 Hz, and as old again in the
# receiver.
_TIME_SIGMA_S = 0.1
_USUAL_DILUTION = 2.0  # up to which the assumed errors of plain GPS hold
_LEAST_SPEED_M_S = 1.0
_COURSE_SIGMA_DEG = 15.0  # a multicopter flies sideways too
# Forward, left, up of REP-103 in terms of forward, right, down.
_FRD_FROM_FLU = np.diag([1.0, -1.0, -1.0])


def subtitle_track(
    telemetry: VideoTelemetry,
    *,
    size_wh: tuple[int, int],
    ground: Ground,
    mount: CameraMount | None = None,
    focal_35mm: float | None = None,
    uncertainty: Uncertainty | None = None,
    notes: list[str] | None = None,
) -> CameraTrack:
    """Return the camera track of a video, over the time of the video.

    The attitude is that of the gimbal. A video without gimbal angles can be georeferenced with the
    `mount` of a camera that was fixed in flight: the heading is then the course over ground.
    `focal_35mm` in millimetres counts before the one that the subtitles tell. Raises
    TelemetryError where position, attitude, height or lens are not known.
    """
    notes = [] if notes is None else notes
    uncertainty = uncertainty or Uncertainty()
    records = [one for one in telemetry.samples if one.latitude_deg is not None]
    if not records:
        msg = f'{telemetry.path} holds no position in any of its {telemetry.holder}.'
        raise TelemetryError(msg)
    notes += telemetry.notes
    if all(one.gimbal is not None for one in records):
        attitude_source = f'gimbal angles of the {telemetry.holder}'
    else:
        has_heading = _aircraft_deg(records) is not None
        attitude_source = 'heading of the aircraft' if has_heading else 'course over ground'
    attitudes, covariance, camera_mount = _attitudes(telemetry, records, mount, uncertainty, notes)
    heights = [one.relative_altitude_m for one in records]
    if ground.map_z_m is not None and any(height is None for height in heights):
        msg = (
            f'{telemetry.path} does not hold the height above the take-off point; give '
            '--flight-height or --ground-altitude.'
        )
        raise TelemetryError(msg)
    if ground.uses_altitude and any(one.altitude_m is None for one in records):
        msg = f'{telemetry.path} does not hold the altitude; give --flight-height or --ground-z.'
        raise TelemetryError(msg)
    if ground.uses_altitude and telemetry.holder == 'subtitles':
        notes.append(
            f'{telemetry.path.name}: subtitles do not say what their altitudes count from: about '
            'the sea, or with RTK the ellipsoid of WGS 84; the altitude of the ground has to '
            'count from there too. Heights above take-off avoid it (--ground-z).'
        )
    step = altitude_step_note(
        np.array([one.begin_s for one in records], np.float64),
        np.array(heights, np.float64),
        np.array([one.altitude_m for one in records], np.float64),
    )
    notes += [f'{telemetry.path.name}: {step}'] if step else []
    stamps = [round(one.begin_s * 1e9) for one in records]
    places = [
        (
            *(one.latitude_deg, one.longitude_deg, one.altitude_m or 0.0),
            *(uncertainty.fix_covariance.ravel() * _dilution(one) ** 2),
        )
        for one in records
    ]
    quaternions = Rotation.from_matrix(attitudes).as_quat()
    turns = [
        (*quaternion, height or 0.0, *covariance.ravel())
        for quaternion, height in zip(quaternions, heights, strict=True)
    ]
    return CameraTrack(
        positions=_series(stamps, places, width=12),
        attitudes=_series(stamps, turns, width=14),
        lens=_lens(telemetry, records, size_wh, focal_35mm),
        ground=ground,
        mount=camera_mount,
        time_sigma_s=_TIME_SIGMA_S,
        sources={'position': telemetry.holder, 'attitude': attitude_source},
    )


def can_be_georeferenced(telemetry: VideoTelemetry) -> bool:
    """Return whether subtitles hold everything that a track needs without settings."""
    records = [one for one in telemetry.samples if one.latitude_deg is not None]
    return bool(records) and all(
        one.gimbal and one.focal_35mm and one.relative_altitude_m is not None for one in records
    )


def _dilution(record: TelemetrySample) -> float:
    """Return by how much worse a position is than plain GPS is assumed to be."""
    return max((record.dilution or 0.0) / _USUAL_DILUTION, 1.0)


def _series(stamps: list[int], rows: Sequence[Sequence[object]], *, width: int) -> StampedSeries:
    series = StampedSeries.of(stamps, rows, width=width)  # type: ignore[arg-type]
    return StampedSeries(
        stamps_ns=series.stamps_ns,
        rows=series.rows,
        max_gap_s=_MAX_GAP_S,
        max_beyond_s=_MAX_BEYOND_S,
    )


def _attitudes(
    telemetry: VideoTelemetry,
    records: Sequence[TelemetrySample],
    mount: CameraMount | None,
    uncertainty: Uncertainty,
    notes: list[str],
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], CameraMount]:
    """Return rotations into east, north, up, their covariance, and the mount they need."""
    gimbals = [one.gimbal for one in records]
    known = [one for one in gimbals if one is not None]
    aircraft = _aircraft_deg(records)
    if len(known) == len(records):
        checked, found = checked_angles(
            np.array(known, np.float64),
            aircraft_deg=aircraft,
            courses_deg=_courses_deg(records),
        )
        notes += [f'{telemetry.path.name}: {one}' for one in found]
        known = [(float(yaw), float(pitch), float(roll)) for yaw, pitch, roll in checked]
        rotations = [ENU_FROM_NED @ ned_from_body(*one) @ BODY_FROM_OPTICAL for one in known]
        return rotations, uncertainty.attitude_covariance, CameraMount.optical()
    if known:
        notes.append(
            f'{telemetry.path.name}: {len(records) - len(known)} of {len(records)} subtitles do '
            'not hold the angles of the gimbal.'
        )
    if mount is None:
        msg = (
            f'{telemetry.path} does not hold the attitude of the camera: in its '
            f'{telemetry.holder} are no gimbal angles. Give --mount-down if it was fixed in '
            'flight (90: straight down); the heading is then the course over ground.'
        )
        raise TelemetryError(msg)
    if aircraft is not None:
        notes.append(f'{telemetry.path.name}: the heading is that of the aircraft.')
        courses, heading_sigma_deg = aircraft, uncertainty.heading_deg
    else:
        notes.append(
            f'{telemetry.path.name}: the heading is the course over ground, within '
            f'{_COURSE_SIGMA_DEG:g} degrees, because it has no gimbal angles.'
        )
        courses, heading_sigma_deg = _held_courses_deg(telemetry, records), _COURSE_SIGMA_DEG
    sigmas = np.radians([uncertainty.tilt_deg, uncertainty.tilt_deg, heading_sigma_deg])
    rotations = [ENU_FROM_NED @ ned_from_body(one, 0.0, 0.0) @ _FRD_FROM_FLU for one in courses]
    return rotations, np.diag(sigmas**2), mount


def _aircraft_deg(records: Sequence[TelemetrySample]) -> NDArray[np.float64] | None:
    """Return the heading of the aircraft at each record, None where it is not in all of them."""
    headings = [one.flight_yaw_deg for one in records]
    if None in headings or not any(headings):
        return None
    return np.array(headings, np.float64)


def _courses_deg(records: Sequence[TelemetrySample]) -> NDArray[np.float64]:
    """Return the course over ground at each record, in degrees clockwise from north.

    It is taken over two seconds, and NaN while the drone hovers.
    """
    first = records[0]
    plane = LocalTangentPlane(first.latitude_deg or 0.0, first.longitude_deg or 0.0, 0.0)
    places = [(one.latitude_deg or 0.0, one.longitude_deg or 0.0, 0.0) for one in records]
    times = np.array([one.begin_s for one in records])
    order = np.argsort(times, kind='stable')  # a container may hold them in any order
    enu, times = plane.to_enu(places)[order, :2], times[order]
    before = np.searchsorted(times, times - 1.0)
    after = np.minimum(np.searchsorted(times, times + 1.0), len(times) - 1)
    travel = enu[after] - enu[before]
    duration = np.maximum(times[after] - times[before], 1e-3)
    courses = np.degrees(np.arctan2(travel[:, 0], travel[:, 1]))
    moves = np.linalg.norm(travel, axis=1) / duration >= _LEAST_SPEED_M_S
    found = np.empty(len(times))
    found[order] = np.where(moves, courses, np.nan)
    return found


def _held_courses_deg(
    telemetry: VideoTelemetry, records: Sequence[TelemetrySample]
) -> NDArray[np.float64]:
    """Return the course at each record; while the drone hovers the last one, or the first.

    Raises TelemetryError for a drone that never moves.
    """
    courses = _courses_deg(records)
    moves = np.isfinite(courses)
    if not moves.any():
        msg = (
            f'{telemetry.path} has no gimbal angles, and the drone hovers all the time, so that '
            'no heading is known.'
        )
        raise TelemetryError(msg)
    last = np.maximum.accumulate(np.where(moves, np.arange(len(courses)), -1))
    chosen: NDArray[np.float64] = courses[np.where(last < 0, np.argmax(moves), last)]
    return chosen


def _lens(
    telemetry: VideoTelemetry,
    records: Sequence[TelemetrySample],
    size_wh: tuple[int, int],
    focal_35mm: float | None,
) -> Lens:
    known = {one.focal_35mm for one in records if one.focal_35mm}
    focal = focal_35mm or (known.pop() if len(known) == 1 else None)
    if focal is None:
        reason = 'the zoom changes' if known else 'no focal length is recorded'
        msg = (
            f'The lens is not known from the {telemetry.holder} of {telemetry.path}: {reason}. '
            'Give --focal-35mm.'
        )
        raise TelemetryError(msg)
    focal_px = film_focal_px(focal, size_wh)
    centre = [(side - 1) / 2 for side in size_wh]
    matrix = [[focal_px, 0, centre[0]], [0, focal_px, centre[1]], [0, 0, 1]]
    return Lens(size_wh=size_wh, matrix=np.array(matrix, np.float64))
