# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The mount of the camera on the body whose pose was recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.rotation import Rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Columns: x, y, z of the optical frame (REP-103) of a camera that looks along x of a body frame.
_FORWARD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class CameraMount:
    """The rotation (3, 3) from the optical frame to the frame of the pose, and the lever arm.

    `lever_m` is the position of the camera relative to the antenna, along the axes of the pose.
    """

    rotation: NDArray[np.float64]
    lever_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not np.allclose(self.rotation @ self.rotation.T, np.eye(3), atol=1e-6):
            msg = 'The mount of the camera is not a rotation; normalise its quaternion.'
            raise GeoError(msg)

    @classmethod
    def optical(cls) -> CameraMount:
        """Return the mount for a pose of the optical frame and a fix of the camera."""
        return cls(np.eye(3))

    @classmethod
    def on_body(
        cls,
        *,
        down_deg: float = 90.0,
        yaw_deg: float = 0.0,
        roll_deg: float = 0.0,
        lever_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> CameraMount:
        """Return the mount for a pose of the body (REP-103: x forward, y left, z up).

        At zero the camera looks ahead; down pitches it towards the ground, yaw turns it left, roll
        leans it right.
        """
        turned = Rotation.from_euler('ZYX', [yaw_deg, down_deg, roll_deg], degrees=True)
        return cls(turned.as_matrix() @ _FORWARD, lever_m)


@dataclass(frozen=True, kw_only=True)
class BodyMount:
    """The angles and lever arm of a camera on a body; see `CameraMount.on_body`."""

    down_deg: float = 90.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    lever_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (self.down_deg, self.yaw_deg, self.roll_deg, *self.lever_m)
        if not all(map(math.isfinite, numbers)):
            msg = f'The mount of the camera is {numbers}, expected finite numbers.'
            raise GeoError(msg)

    def camera_mount(self) -> CameraMount:
        """Return the mount as a rotation and a lever arm."""
        return CameraMount.on_body(
            down_deg=self.down_deg,
            yaw_deg=self.yaw_deg,
            roll_deg=self.roll_deg,
            lever_m=self.lever_m,
        )
