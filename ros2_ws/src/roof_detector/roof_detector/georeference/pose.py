# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The pose of a camera in a local east, north, up frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

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
        yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
        forward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        nadir = np.stack([right, -forward, [0.0, 0.0, -1.0]], axis=1)
        tip = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        lean = np.array(
            [[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]]
        )
        return cls(np.asarray(position_enu, dtype=np.float64), nadir @ tip @ lean)

    @property
    def quaternion_xyzw(self) -> NDArray[np.float64]:
        """Return the unit quaternion that rotates optical vectors to ENU vectors."""
        return quaternion_from_matrix(self.rotation)

    def to_optical(self, points_enu: ArrayLike) -> NDArray[np.float64]:
        """Map ENU points (..., 3) into the optical frame."""
        points = np.asarray(points_enu, dtype=np.float64)
        return (points - self.position_enu) @ self.rotation


def quaternion_from_matrix(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a rotation matrix (3, 3) to x, y, z, w by its largest component (Shepperd 1978)."""
    m = rotation
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    largest = int(np.argmax([m[0, 0], m[1, 1], m[2, 2], trace]))
    if largest == 3:
        s = 2 * sqrt(1 + trace)
        q = [(m[2, 1] - m[1, 2]) / s, (m[0, 2] - m[2, 0]) / s, (m[1, 0] - m[0, 1]) / s, s / 4]
        return np.array(q)
    i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
    s = 2 * sqrt(1 + m[i, i] - m[j, j] - m[k, k])
    out = np.empty(4)
    out[i] = s / 4
    out[j] = (m[i, j] + m[j, i]) / s
    out[k] = (m[i, k] + m[k, i]) / s
    out[3] = (m[k, j] - m[j, k]) / s
    return out


def matrix_from_quaternion(quaternion_xyzw: ArrayLike) -> NDArray[np.float64]:
    """Convert x, y, z, w to the rotation matrix (3, 3)."""
    x, y, z, w = np.asarray(quaternion_xyzw, dtype=np.float64)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
