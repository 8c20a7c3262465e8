# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The attitudes of a camera that transforms connect to a map, or to a body of known attitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_track import CameraAttitude
from roof_detector.georeference.rotation import Rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.georeference.stamped_series import StampedSeries
    from roof_detector.telemetry.transform_tree import TransformPath


@dataclass(frozen=True, eq=False)
class MapAttitudes:
    """Attitudes by the transform of the camera in a map, whose axes are east, north, up.

    `antenna` is the transform of the frame of the fix in the map, None where it is unknown and
    taken as the camera's place.
    """

    camera: TransformPath
    antenna: TransformPath | None
    covariance: NDArray[np.float64]

    def at(self, stamp_ns: int) -> CameraAttitude:
        """Return the attitude at a stamp; raise GeoError in a gap of a transform."""
        camera = self.camera.at(stamp_ns)
        lever = np.zeros(3)
        if self.antenna is not None:
            lever = camera.translation_m - self.antenna.at(stamp_ns).translation_m
        return CameraAttitude(
            rotation=_orthonormal(camera.rotation),
            map_z_m=float(camera.translation_m[2]),
            lever_enu=lever,
            covariance=self.covariance,
        )


@dataclass(frozen=True, eq=False)
class BodyAttitudes:
    """Attitudes of a body, with the transforms of the camera and the antenna on it.

    `body` has rows (14,) as those of a CameraTrack.
    """

    body: StampedSeries
    camera: TransformPath
    antenna: TransformPath | None

    def at(self, stamp_ns: int) -> CameraAttitude:
        """Return the attitude at a stamp; raise GeoError in a gap."""
        row = self.body.at(stamp_ns, what='pose', quaternions=True)
        posed = Rotation.from_quat(row[:4]).as_matrix()
        camera = self.camera.at(stamp_ns)
        on_body = camera.translation_m
        if self.antenna is not None:
            on_body = on_body - self.antenna.at(stamp_ns).translation_m
        return CameraAttitude(
            rotation=_orthonormal(posed @ camera.rotation),
            map_z_m=float(row[4] + (posed @ camera.translation_m)[2]),
            lever_enu=posed @ on_body,
            covariance=row[5:].reshape(3, 3),
        )


def _orthonormal(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a rotation without the rounding of a long chain of transforms."""
    left, _, right = np.linalg.svd(rotation)
    return np.asarray(left @ right)
