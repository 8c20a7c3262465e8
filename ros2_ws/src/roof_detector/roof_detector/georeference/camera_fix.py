# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The position and attitude of a camera at the moment of one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from roof_detector.georeference.ground import Ground
    from roof_detector.georeference.lens import Lens


@dataclass(frozen=True, eq=False)
class CameraMotionRate:
    """The velocity (3,) in metres and the turn (3,) in radians a second about east, north, up.

    `time_sigma_s` is the standard deviation of the time to which they are multiplied.
    """

    velocity_enu: NDArray[np.float64]
    turn_enu: NDArray[np.float64]
    time_sigma_s: float


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraFix:
    """A camera's position on Earth, its attitude and its lens, with their covariances.

    `altitude_m` is above the WGS-84 ellipsoid, `height_m` above the plane of the roofs.
    `rotation` (3, 3) rotates vectors of the optical frame (REP-103: z forward, x right, y down)
    into east, north, up (REP-105). `position_covariance` (3, 3) is of east, north and height in
    square metres, `attitude_covariance` (3, 3) of a small turn about east, north and up in square
    radians. `ground` has the surface that rays are cast on, and its share of the height's
    variance; without it the ground is level and certain. `sources` names where values come from.
    """

    stamp_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    height_m: float
    rotation: NDArray[np.float64]
    lens: Lens
    position_covariance: NDArray[np.float64]
    attitude_covariance: NDArray[np.float64]
    ground: Ground | None = None
    motion: CameraMotionRate | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ('rotation', 'position_covariance', 'attitude_covariance'):
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.shape != (3, 3) or not np.isfinite(array).all():
                msg = f'{name} must be 3x3 finite numbers, not {array.tolist()}.'
                raise GeoError(msg)
            object.__setattr__(self, name, array)
        if not np.allclose(self.rotation @ self.rotation.T, np.eye(3), atol=1e-6):
            msg = 'The attitude is not a rotation; normalise its quaternion.'
            raise GeoError(msg)
        if not self.height_m > 0:
            msg = (
                f'The camera is {self.height_m:.1f} m above the ground plane, so it cannot see '
                'it; give the altitude of the roofs flown over.'
            )
            raise GeoError(msg)
