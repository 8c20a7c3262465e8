# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The camera model: maps pixels of a calibrated camera to rays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# sensor_msgs/distortion_models.hpp: how many coefficients of each model OpenCV takes.
_COEFFICIENTS = {
    'plumb_bob': (4, 5),
    'rational_polynomial': (8, 12, 14),
    'equidistant': (4,),
    '': (0,),
}
_CRITERIA = (cv2.TERM_CRITERIA_MAX_ITER | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
# A pixel that is not projected back within this is where the distortion model folds over.
_RETURN_PX = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Lens:
    """The intrinsics of a CameraInfo: size, K (3, 3), distortion model and coefficients.

    The centre of a pixel has integer coordinates, as in OpenCV and sensor_msgs/CameraInfo.
    """

    size_wh: tuple[int, int]
    matrix: NDArray[np.float64]
    distortion: tuple[float, ...] = ()
    model: str = ''

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64).reshape(3, 3)
        object.__setattr__(self, 'matrix', matrix)
        object.__setattr__(self, 'distortion', tuple(float(d) for d in self.distortion))
        numbers = np.array([*matrix.ravel(), *self.distortion])
        if not np.isfinite(numbers).all():
            msg = 'A calibration holds numbers that are not finite; calibrate the camera again.'
            raise GeoError(msg)
        if min(self.size_wh) < 1 or not (matrix[0, 0] > 0 and matrix[1, 1] > 0):
            msg = (
                f'A camera of {self.size_wh} pixels with focal lengths ({matrix[0, 0]}, '
                f'{matrix[1, 1]}) is not calibrated; calibrate it and publish its CameraInfo.'
            )
            raise GeoError(msg)
        if any(self.distortion) and len(self.distortion) not in _COEFFICIENTS.get(self.model, ()):
            msg = (
                f'The distortion model {self.model!r} with {len(self.distortion)} coefficients is '
                f'unknown, expected one of {", ".join(filter(None, _COEFFICIENTS))}.'
            )
            raise GeoError(msg)

    @classmethod
    def rectified(cls, size_wh: tuple[int, int], projection: Sequence[float]) -> Lens:
        """Return the lens of a rectified image, from P (3, 4) of its CameraInfo."""
        return cls(size_wh=size_wh, matrix=np.asarray(projection, np.float64).reshape(3, 4)[:, :3])

    def scaled(self, size_wh: tuple[int, int]) -> Lens:
        """Return the lens of the same image in another size; raise GeoError if it is cropped."""
        if size_wh == self.size_wh:
            return self
        zoom_x, zoom_y = size_wh[0] / self.size_wh[0], size_wh[1] / self.size_wh[1]
        if abs(zoom_x / zoom_y - 1) > 0.01:
            msg = (
                f'The image has {size_wh[0]}x{size_wh[1]} pixels and its calibration '
                f'{self.size_wh[0]}x{self.size_wh[1]}: it was cropped. Calibrate the '
                'camera in the mode in which it flies.'
            )
            raise GeoError(msg)
        matrix = self.matrix.copy()
        # The edge of the image, half a pixel beyond the first centre, stays where it is.
        matrix[0] *= zoom_x
        matrix[1] *= zoom_y
        matrix[0, 2] += (zoom_x - 1) / 2
        matrix[1, 2] += (zoom_y - 1) / 2
        return Lens(size_wh=size_wh, matrix=matrix, distortion=self.distortion, model=self.model)

    def cropped(self, offset_xy: tuple[int, int], size_wh: tuple[int, int]) -> Lens:
        """Return the lens of a region of the image; raise GeoError if it is not inside."""
        if any(
            offset + size > whole
            for offset, size, whole in zip(offset_xy, size_wh, self.size_wh, strict=True)
        ):
            msg = (
                f'The region of {size_wh[0]}x{size_wh[1]} pixels at {offset_xy} is not within the '
                f'{self.size_wh[0]}x{self.size_wh[1]} pixels of its calibration.'
            )
            raise GeoError(msg)
        matrix = self.matrix.copy()
        matrix[:2, 2] -= offset_xy
        return Lens(size_wh=size_wh, matrix=matrix, distortion=self.distortion, model=self.model)

    def binned(self, binning_xy: tuple[int, int]) -> Lens:
        """Return the lens of the image in which one pixel is `binning_xy` of these pixels."""
        matrix = self.matrix.copy()
        for axis, binning in enumerate(binning_xy):
            matrix[axis] /= binning
            # The edge of the image, half a pixel beyond the first centre, stays where it is.
            matrix[axis, 2] += (1 / binning - 1) / 2
        width, height = (
            size // binning for size, binning in zip(self.size_wh, binning_xy, strict=True)
        )
        return Lens(
            size_wh=(width, height), matrix=matrix, distortion=self.distortion, model=self.model
        )

    def rays(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map pixels (n, 2) to directions (n, 3) of depth 1 in the optical frame.

        A direction is nan where the pixel shows no point in front of the camera.
        """
        points = np.asarray(pixels, dtype=np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.zeros((0, 3))
        if not any(self.distortion):
            plane = points[:, 0] - self.matrix[:2, 2]
            return _with_depth(plane / (self.matrix[0, 0], self.matrix[1, 1]))
        rays, back = self._undistorted(points)
        astray = np.linalg.norm(back.reshape(-1, 2) - points[:, 0], axis=1)
        return np.where((astray < _RETURN_PX)[:, None], rays[:, 0], np.nan)

    def _undistorted(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the directions (n, 1, 3) of pixels (n, 1, 2), and their pixels projected back."""
        matrix, coefficients, origin = self.matrix, np.array(self.distortion), np.zeros(3)
        if self.model == 'equidistant':
            rays = _with_depth(cv2.fisheye.undistortPoints(points, matrix, coefficients))
            back, _ = cv2.fisheye.projectPoints(rays, origin, origin, matrix, coefficients)
        else:
            rays = _with_depth(
                cv2.undistortPointsIter(
                    points, matrix, coefficients, np.eye(3), np.eye(3), _CRITERIA
                )
            )
            back, _ = cv2.projectPoints(rays, origin, origin, matrix, coefficients)
        return rays, np.asarray(back, dtype=np.float64)


def calibrated_image_wh(info: Any) -> tuple[int, int]:
    """Return the size of the images that a CameraInfo goes with.

    The message (sensor_msgs/CameraInfo) has the size of the whole sensor. A region of interest,
    given in pixels of the sensor, and then binning reduce it.
    """
    region = info.roi
    width, height = (
        (region.width, region.height)
        if region.width and region.height
        else (info.width, info.height)
    )
    return int(width) // max(1, info.binning_x), int(height) // max(1, info.binning_y)


def _with_depth(flat: ArrayLike) -> NDArray[np.float64]:
    plane = np.asarray(flat, dtype=np.float64)
    return np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1)
