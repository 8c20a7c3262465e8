# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The motion of the image between two frames of one camera."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix

# The longer side at which the flow is computed: enough for a shift to a fifth of a pixel of it.
_REDUCED_SIDE_PX = 160
_GRID = (8, 5)
_WINDOW_PX = 11
_LEVELS = 3
# A step below this share of a pixel is far below what the boxes of a detector are off.
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)
_LEAST_POINTS = 12
# A point further than this from the common motion stands on something that moves or is higher.
_OUTLIER_PX = 1.5
_ROUNDS = 3


class FlowMotion:
    """Camera motion from sparse optical flow on a reduced grey image.

    A grid of points is followed by the pyramid of Lucas and Kanade (Bouguet 2001) from the frame
    before, and a similarity (shift, rotation, scale) is fitted to them by least squares, three
    times without the points that disagree. Camera motion compensation for tracking is due to
    BoT-SORT (Aharon, Orfaig and Bobrovsky 2022).
    """

    def __init__(self) -> None:
        self._before: npt.NDArray[np.uint8] | None = None

    def update(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
        """Return the map (3, 3) of pixels of the frame before to pixels of this one.

        `image` is (h, w, 3) BGR or (h, w) grey. None where there was no frame before, its size was
        another, or too few points agree.
        """
        reduced, scale = _reduced(image)
        before, self._before = self._before, reduced
        if before is None or before.shape != reduced.shape:
            return None
        points = _grid_points(reduced.shape)
        window = (_WINDOW_PX, _WINDOW_PX)
        flow: Any = cv2.calcOpticalFlowPyrLK
        found, status, _ = flow(
            before, reduced, points, None, winSize=window, maxLevel=_LEVELS, criteria=_STEPS
        )
        kept = status.ravel() > 0
        motion = _similarity(points[kept], found[kept])
        if motion is None:
            return None
        motion[:2, 2] /= scale
        return motion


def plane_motion(before: CameraFix, after: CameraFix) -> npt.NDArray[np.float64]:
    """Return the homography (3, 3) of the ground plane between two frames of known cameras.

    Over a roof without texture this is better than optical flow. Lens distortion is left out.
    """
    first, second = (fix.rotation @ np.linalg.inv(fix.lens.matrix) for fix in (before, after))
    shift = _shift_m(before, after)
    # The ground point of a pixel is h r / -r_up; seen from the second camera it lies at
    # that minus the shift, which is linear in r as the depth -r_up is.
    to_ground = np.vstack(
        [
            before.height_m * first[0] + shift[0] * first[2],
            before.height_m * first[1] + shift[1] * first[2],
            after.height_m * first[2],
        ]
    )
    motion: npt.NDArray[np.float64] = np.linalg.inv(second) @ to_ground
    return motion / motion[2, 2]


def _shift_m(before: CameraFix, after: CameraFix) -> npt.NDArray[np.float64]:
    """Return how far east and north the camera moved; short ways need no ellipsoid."""
    metres = np.radians(1.0) * 6_371_000.0
    north = (after.latitude_deg - before.latitude_deg) * metres
    east = (after.longitude_deg - before.longitude_deg) * metres
    return np.array([east * np.cos(np.radians(before.latitude_deg)), north])


def _reduced(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
    height, width = image.shape[:2]
    scale = min(_REDUCED_SIDE_PX / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    # Samples of twice the size first: INTER_AREA over a whole frame would cost more than the flow.
    sampled = cv2.resize(image, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_NEAREST)
    grey = sampled if sampled.ndim == 2 else cv2.cvtColor(sampled, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8), scale


@functools.lru_cache(maxsize=8)
def _grid_points(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    height, width = shape
    x, y = np.meshgrid(
        (np.arange(_GRID[0]) + 0.5) * width / _GRID[0],
        (np.arange(_GRID[1]) + 0.5) * height / _GRID[1],
    )
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
    points.flags.writeable = False
    return points


def _similarity(
    before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64] | None:
    """Fit a similarity to points (n, 2) without outliers, as q = turn * p + shift.

    Points are complex numbers x + iy here, so that `turn` is rotation and scale in one.
    """
    first, second = (
        np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]
        for points in (before, after)
    )
    kept_first, kept_second = first, second
    for _ in range(_ROUNDS):
        if len(kept_first) < _LEAST_POINTS:
            return None
        middle, moved = kept_first.mean(), kept_second.mean()
        offsets = kept_first - middle
        spread = np.vdot(offsets, offsets).real
        if spread == 0:
            return None
        turn = np.vdot(offsets, kept_second - moved) / spread
        shift = moved - turn * middle
        residual = np.abs(turn * first + shift - second)
        middle_residual = float(np.partition(residual, len(residual) // 2)[len(residual) // 2])
        inside = residual < max(_OUTLIER_PX, 2 * middle_residual)
        kept_first, kept_second = first[inside], second[inside]
    return np.array(
        [
            [turn.real, -turn.imag, shift.real],
            [turn.imag, turn.real, shift.imag],
            [0.0, 0.0, 1.0],
        ]
    )
