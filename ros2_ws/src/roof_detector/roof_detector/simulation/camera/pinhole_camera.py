# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A pinhole camera without distortion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class PinholeCamera:
    """The intrinsics in pixels; a pixel's centre has integer coordinates (OpenCV, REP-103)."""

    size_wh: tuple[int, int]
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if min(self.size_wh) < 1 or self.fx <= 0 or self.fy <= 0:
            msg = (
                f'A camera of size {self.size_wh} with focal lengths ({self.fx}, {self.fy}) '
                'cannot see; give a size and focal lengths above zero.'
            )
            raise SimulationError(msg)

    @classmethod
    def centred(cls, size_wh: tuple[int, int], *, focal_px: float) -> PinholeCamera:
        """Return a camera whose principal point is the middle of the image."""
        width, height = size_wh
        return cls(
            size_wh=size_wh, fx=focal_px, fy=focal_px, cx=(width - 1) / 2, cy=(height - 1) / 2
        )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return K (3, 3)."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def project(self, points_optical: ArrayLike) -> NDArray[np.float64]:
        """Map points (..., 3) of the optical frame to pixels (..., 2); nan behind the camera."""
        points = np.asarray(points_optical, dtype=np.float64)
        depth = np.where(points[..., 2] > 0, points[..., 2], np.nan)
        scaled = points[..., :2] / depth[..., None]
        return scaled * (self.fx, self.fy) + (self.cx, self.cy)

    def ray(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map pixels (..., 2) to unit directions (..., 3) in the optical frame."""
        plane = (np.asarray(pixels, dtype=np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)
        direction = np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1)
        return direction / np.linalg.norm(direction, axis=-1, keepdims=True)
