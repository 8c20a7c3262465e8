# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Places photos by the exposures that an autopilot logged, such as CAM and camera_capture."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.rotation import Rotation
from roof_detector.telemetry.camera_attitudes import camera_attitudes
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.exposure_match import match_exposures
from roof_detector.telemetry.photo_lens import film_focal_px, photo_lens
from roof_detector.telemetry.photo_pose import PhotoPose, as_shown
from roof_detector.telemetry.photo_tags import as_number, taken_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from roof_detector.georeference.camera_mount import CameraMount
    from roof_detector.georeference.stamped_series import StampedSeries
    from roof_detector.telemetry.autopilot_log import AutopilotLog
    from roof_detector.telemetry.photo_tags import PhotoTags

# Between the trigger and the shutter of a camera that does not report its exposure.
_SHUTTER_LAG_S = 0.3
_SPEED_OVER_NS = 500_000_000


def log_poses(
    log: AutopilotLog,
    photos: Mapping[int, PhotoTags],
    *,
    mount: CameraMount | None = None,
    focal_35mm: float | None = None,
    notes: list[str],
) -> tuple[dict[int, PhotoPose], dict[int, str]]:
    """Return the poses of photos by their stamps, and why others have none.

    `photos` are in the order in which they were taken. Sentences on what was matched are added to
    `notes`. Raises TelemetryError where the log holds no exposure, or none that fits the photos.
    """
    if not log.exposures:
        msg = (
            f'{log.path} holds no exposures of a camera (CAM, TRIG, CAMERA_FEEDBACK, '
            'CAMERA_IMAGE_CAPTURED, camera_capture, camera_trigger).'
        )
        raise TelemetryError(msg)
    exposures_s = np.array([one.stamp_ns for one in log.exposures], np.float64) / 1e9
    moments = [taken_at(tags) for tags in photos.values()]
    times_s = [_seconds(one) for one in moments]
    order = list(range(len(moments)))
    if None not in times_s:
        order.sort(key=lambda number: times_s[number] or 0.0)
    is_utc = all(one is not None and one.tzinfo is not None for one in moments)
    if log.utc_minus_log_ns is not None:
        exposures_s = exposures_s + log.utc_minus_log_ns / 1e9
    try:
        match = match_exposures(
            [times_s[number] for number in order],
            exposures_s,
            is_same_clock=is_utc and log.utc_minus_log_ns is not None,
        )
    except TelemetryError as error:
        msg = f'The photos cannot be placed by {log.path}: {error}.'
        raise TelemetryError(msg) from error
    notes += log.notes
    attitudes, camera_mount, source = camera_attitudes(log, mount, notes)
    lag_s = float(np.hypot(0.0 if log.are_exposures_exact else _SHUTTER_LAG_S, match.sigma_s))
    poses: dict[int, PhotoPose] = {}
    unknown: dict[int, str] = {}
    stamps = list(photos)
    for place, exposure in zip(order, match.exposures, strict=True):
        stamp_ns, tags = stamps[place], photos[stamps[place]]
        if exposure is None:
            unknown[stamp_ns] = f'{tags.path.name} was taken at no exposure in {log.path.name}.'
            continue
        try:
            poses[stamp_ns] = _pose(
                log, exposure, tags,
                attitudes=attitudes, mount=camera_mount, lag_s=lag_s, focal_35mm=focal_35mm,
                source=source, moment=moments[place],
            )  # fmt: skip
        except (GeoError, TelemetryError) as error:
            unknown[stamp_ns] = str(error)
    notes.append(
        f'{len(poses)} of {len(photos)} photos have their position from {log.path.name}, which '
        f'holds {len(log.exposures)} exposures ({log.exposure_kind}), matched {match.by}.'
    )
    if lag_s:
        notes.append(
            f'The log tells when the camera was triggered and not when it exposed: {lag_s:.1f} s '
            'of flight are in the stated error.'
        )
    return poses, unknown


def _pose(
    log: AutopilotLog,
    number: int,
    tags: PhotoTags,
    *,
    attitudes: StampedSeries,
    mount: CameraMount,
    lag_s: float,
    focal_35mm: float | None,
    source: str,
    moment: datetime | None,
) -> PhotoPose:
    exposure = log.exposures[number]
    row = log.positions.at(exposure.stamp_ns, what='fix')
    attitude = attitudes.at(exposure.stamp_ns, what='attitude', quaternions=True)
    latitude, longitude, altitude = map(float, exposure.place or row[:3])
    posed = Rotation.from_quat(attitude[:4]).as_matrix()
    lever = posed @ np.asarray(mount.lever_m)
    if lever.any():
        antenna = LocalTangentPlane(latitude, longitude, altitude)
        latitude, longitude, altitude = map(float, antenna.to_geodetic(lever))
    covariance = row[3:].reshape(3, 3).copy()
    if lag_s:
        travel = _velocity(log.positions, exposure.stamp_ns) * lag_s
        covariance += np.outer(travel, travel)
    lens, lens_source = _lens(tags, focal_35mm)
    rotation, lens = as_shown(
        posed @ mount.rotation, lens, as_number(tags.exif.get('Orientation'))
    )
    utc_ns = log.utc_minus_log_ns
    if utc_ns is not None:
        moment = datetime.fromtimestamp((exposure.stamp_ns + utc_ns) / 1e9, timezone.utc)
    return PhotoPose(
        path=tags.path,
        taken_at=moment,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_m=altitude,
        relative_altitude_m=float(attitude[4] + lever[2]),
        rotation=rotation,
        lens=lens,
        position_covariance=covariance,
        attitude_covariance=attitude[5:].reshape(3, 3),
        sources={
            'position': f'{log.path.name} ({log.exposure_kind})',
            'altitude': log.path.name,
            'attitude': source,
            'lens': lens_source,
            'position_covariance': 'assumed, as of plain GPS',
        },
    )


def _lens(tags: PhotoTags, focal_35mm: float | None) -> tuple[Lens, str]:
    """Return the lens that was given, else that of the photo's tags."""
    if focal_35mm is None:
        try:
            return photo_lens(tags)
        except TelemetryError as error:
            msg = f'{error} (--focal-35mm)'
            raise TelemetryError(msg) from error
    focal_px = film_focal_px(focal_35mm, tags.size_wh)
    centre = [(side - 1) / 2 for side in tags.size_wh]
    matrix = [[focal_px, 0, centre[0]], [0, focal_px, centre[1]], [0, 0, 1]]
    return Lens(size_wh=tags.size_wh, matrix=np.array(matrix, np.float64)), '--focal-35mm'


def _velocity(positions: StampedSeries, stamp_ns: int) -> NDArray[np.float64]:
    """Return the velocity (3,) east, north, up in metres a second, zero where it is unknown."""
    try:
        first, last = (
            positions.at(stamp_ns + shift, what='fix')[:3]
            for shift in (-_SPEED_OVER_NS, _SPEED_OVER_NS)
        )
    except GeoError:
        return np.zeros(3)
    travel: NDArray[np.float64] = LocalTangentPlane(*map(float, first)).to_enu(last)
    return travel / (2 * _SPEED_OVER_NS / 1e9)


def _seconds(moment: datetime | None) -> float | None:
    """Return seconds since 1970 by the camera's clock, of a local time as if it were UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
