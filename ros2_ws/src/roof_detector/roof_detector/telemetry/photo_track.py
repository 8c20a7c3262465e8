# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cameras of a set of photos, for georeferencing their detections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.georeference.ground import Ground
    from roof_detector.telemetry.photo_pose import PhotoPose


@dataclass(frozen=True)
class PhotoTrack:
    """The poses of photos by the stamp of their frame, over one level of ground.

    `unknown` holds, by stamp, the reason why a photo has no pose. A level that is given as
    `map_z_m` counts from the take-off point, as the relative altitude of the photos does.
    """

    poses: Mapping[int, PhotoPose]
    ground: Ground
    unknown: Mapping[int, str] = field(default_factory=dict)

    def at(self, stamp_ns: int, *, size_wh: tuple[int, int]) -> CameraFix:
        """Return the camera of a frame; raise GeoError if it is unknown."""
        pose = self.poses.get(stamp_ns)
        if pose is None:
            raise GeoError(
                self.unknown.get(stamp_ns)
                or 'This frame is not one of the photos with a known position.'
            )
        return CameraFix(
            stamp_ns=stamp_ns,
            latitude_deg=pose.latitude_deg,
            longitude_deg=pose.longitude_deg,
            altitude_m=pose.altitude_m or 0.0,
            height_m=height_above(self.ground, pose),
            rotation=pose.rotation,
            lens=pose.lens.scaled(size_wh),
            position_covariance=self._position_covariance(pose),
            attitude_covariance=pose.attitude_covariance,
            ground=self.ground,
            sources=pose.sources,
        )

    def _position_covariance(self, pose: PhotoPose) -> NDArray[np.float64]:
        """Return the covariance (3, 3) of east, north and the height above the ground."""
        covariance = pose.position_covariance.copy()
        if not self.ground.uses_altitude:
            # The vertical error of the GPS does not affect a height that is known without it.
            covariance[2] = covariance[:, 2] = 0.0
        covariance[2, 2] += self.ground.sigma_m**2
        return covariance


def height_above(ground: Ground, pose: PhotoPose) -> float:
    """Return the height of a photo above the ground in metres; raise GeoError if unknown."""
    if ground.uses_altitude and pose.altitude_m is None:
        msg = (
            f'{pose.path.name} does not hold its altitude; give the height of flight or '
            'the level of the roofs above the take-off point.'
        )
        raise GeoError(msg)
    if ground.map_z_m is not None and pose.relative_altitude_m is None:
        msg = (
            f'{pose.path.name} does not hold its height above the take-off point; give the '
            'height of flight or the altitude of the roofs.'
        )
        raise GeoError(msg)
    return ground.height_of(
        altitude_m=pose.altitude_m or 0.0,
        map_z_m=pose.relative_altitude_m or 0.0,
        latitude_deg=pose.latitude_deg,
        longitude_deg=pose.longitude_deg,
    )
