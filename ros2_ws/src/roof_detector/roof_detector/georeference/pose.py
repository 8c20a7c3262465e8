# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The pose of a camera in a local east, north, up frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.rotation import Rotation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class CameraPose:
    """The position and attitude of the optical frame (z forward, x right, y down) in ENU."""

    position_enu: NDArray[np.float64]
    rotation: NDArray[np.float64]

    @classmethod
    def looking_down(
        cls, position_enu: ArrayLike, *, yaw_deg: float, pitch_deg: float, roll_deg: float
    ) -> CameraPose:
        """Return a pose with the upper edge of the image towards yaw (east 0, north 90 degrees).

        Pitch tilts the view forward, roll to the right; if both are zero, it is exactly nadir.
        """
        yaw = np.radians(yaw_deg)
        forward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        nadir = np.stack([right, -forward, [0.0, 0.0, -1.0]], axis=1)
        tilt = Rotation.from_euler('XY', [pitch_deg, roll_deg], degrees=True).as_matrix()
        return cls(np.asarray(position_enu, dtype=np.float64), nadir @ tilt)

    @property
    def quaternion_xyzw(self) -> NDArray[np.float64]:
        """Return the unit quaternion that rotates optical vectors to ENU vectors."""
        return np.asarray(Rotation.from_matrix(self.rotation).as_quat())

    def to_optical(self, points_enu: ArrayLike) -> NDArray[np.float64]:
        """Map ENU points (..., 3) into the optical frame."""
        points = np.asarray(points_enu, dtype=np.float64)
        return (points - self.position_enu) @ self.rotation
