# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One image of the ground, north up, made from the frames of a flight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.stored_frames import GroundedFrame
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

MOST_PIXELS = 12_000_000
_MOST_FRAMES = 400
# A frame whose centre is so near to that of another, as a share of its side, shows little new.
_NEAR_SHARE = 0.15
_SHARPER = 0.8  # by which a frame that is near another one has to be finer to count all the same
_COARSEST = 4.0  # times the median resolution: the far end of an oblique view
_STEP_PX = 8  # at which it is computed which frame is best
_LEAST_GAIN, _MOST_GAIN = 0.8, 1.25
_LEAST_SHARED = 200  # pixels, of those that are compared


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundImage:
    """An image (rows, columns, 4) in BGR and alpha, north up, on a plane.

    `west_north_en` is its upper left corner in metres east and north of the origin of `plane`.
    """

    image_bgra: npt.NDArray[np.uint8]
    west_north_en: tuple[float, float]
    metres_per_pixel: float
    plane: LocalTangentPlane

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north on WGS 84."""
        rows, columns = self.image_bgra.shape[:2]
        west, north = self.west_north_en
        east = west + columns * self.metres_per_pixel
        south = north - rows * self.metres_per_pixel
        (low, high) = self.plane.to_geodetic([[west, south, 0.0], [east, north, 0.0]]).tolist()
        return low[1], low[0], high[1], high[0]

    def pixel_of(self, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
        """Return column and row of a place, counted from the image's corner."""
        east, north, _ = self.plane.to_enu([latitude_deg, longitude_deg, 0.0]).tolist()
        west, top = self.west_north_en
        return (east - west) / self.metres_per_pixel, (top - north) / self.metres_per_pixel

    def reduced(self, most_side_px: int) -> GroundImage:
        """Return it with at most so many pixels on its longer side."""
        rows, columns = self.image_bgra.shape[:2]
        scale = most_side_px / max(rows, columns)
        if scale >= 1:
            return self
        size_wh = max(round(columns * scale), 1), max(round(rows * scale), 1)
        image = cv2.resize(self.image_bgra, size_wh, interpolation=cv2.INTER_AREA)
        # What is blank is black: it must not darken its neighbours.
        share = np.maximum(image[..., 3:].astype(np.float32) / 255, 1e-3)
        image[..., :3] = (image[..., :3] / share).clip(0, 255)
        return GroundImage(
            image_bgra=np.asarray(image, np.uint8),
            west_north_en=self.west_north_en,
            metres_per_pixel=self.metres_per_pixel * columns / size_wh[0],
            plane=self.plane,
        )


class GroundMosaic:
    """Lays frames on the plane of the roofs; each place is shown by the frame that saw it best.

    Best is the finest resolution, and of equal ones the nearest to the middle of its image. The
    memory is that of the mosaic, `MOST_PIXELS` pixels of eight bytes, and of one frame.
    """

    def __init__(
        self,
        frames: Sequence[GroundedFrame],
        plane: LocalTangentPlane,
        *,
        most_pixels: int = MOST_PIXELS,
    ) -> None:
        if not frames:
            msg = 'No frame has a place, so there is no ground to lay frames on.'
            raise FindingsError(msg)
        usual = float(np.median([one.metres_per_pixel for one in frames]))
        kept = [one for one in frames if one.metres_per_pixel <= _COARSEST * usual]
        self.frames = _chosen(kept)
        outlines = np.concatenate([one.outline_en for one in self.frames])
        low, high = outlines.min(axis=0), outlines.max(axis=0)
        finest = float(np.median([one.metres_per_pixel for one in self.frames]))
        whole_m2 = float(np.prod(high - low))
        self.metres_per_pixel = max(finest, math.sqrt(whole_m2 / most_pixels))
        columns, rows = (int(side) for side in np.ceil((high - low) / self.metres_per_pixel))
        self._plane = plane
        self._west_north = np.array([low[0], high[1]])
        self._image = np.zeros((max(rows, 1), max(columns, 1), 4), np.uint8)
        self._cost = np.full(self._image.shape[:2], np.inf, np.float32)

    def add(self, frame: GroundedFrame, image_bgr: npt.NDArray[np.uint8]) -> None:
        """Lay a frame where it is better than those before it."""
        height, width = image_bgr.shape[:2]
        shrink = min(frame.metres_per_pixel / self.metres_per_pixel * 1.4, 1.0)
        if shrink < 0.7:
            size_wh = max(round(width * shrink), 1), max(round(height * shrink), 1)
            image_bgr = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        to_mosaic = self._mosaic_from_ground @ frame.ground_from_pixel
        # Back to the pixels that the frame has in the file.
        own_wh = frame.frame.size_wh
        to_mosaic = to_mosaic @ np.diag(
            [own_wh[0] / image_bgr.shape[1], own_wh[1] / image_bgr.shape[0], 1.0]
        )
        window = self._window(frame)
        if window is None:
            return
        left, top, right, bottom = window
        # OpenCV counts from the middle of the first pixel, a homography from its corner.
        shift = np.array([[1, 0, -left - 0.5], [0, 1, -top - 0.5], [0, 0, 1.0]])
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        matrix = shift @ to_mosaic @ half
        size = (right - left, bottom - top)
        # At the edge the frame goes on as it ends: black beyond would show as a dark seam.
        warped = cv2.warpPerspective(
            image_bgr, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        inside = self._inside(frame, window)
        part = slice(top, bottom), slice(left, right)
        before = self._cost[part]
        image = self._levelled(warped, inside, part)
        cost = self._costs(frame, window)
        better = (inside > 0) & (cost < before)
        opaque = np.dstack([image, inside])
        self._image[part][better] = opaque[better]
        before[better] = cost[better]

    def result(self) -> GroundImage:
        """Return the mosaic as it is now; it is not copied."""
        west, north = self._west_north.tolist()
        return GroundImage(
            image_bgra=self._image,
            west_north_en=(west, north),
            metres_per_pixel=self.metres_per_pixel,
            plane=self._plane,
        )

    @property
    def _mosaic_from_ground(self) -> npt.NDArray[np.float64]:
        scale, (west, north) = 1 / self.metres_per_pixel, self._west_north.tolist()
        return np.array([[scale, 0, -west * scale], [0, -scale, north * scale], [0, 0, 1.0]])

    def _window(self, frame: GroundedFrame) -> tuple[int, int, int, int] | None:
        pixels = (frame.outline_en - self._west_north) * (1, -1) / self.metres_per_pixel
        rows, columns = self._cost.shape
        left, top = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int).tolist()
        right, bottom = np.ceil(pixels.max(axis=0)).astype(int).tolist()
        right, bottom = min(right, columns), min(bottom, rows)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _costs(
        self, frame: GroundedFrame, window: tuple[int, int, int, int]
    ) -> npt.NDArray[np.float32]:
        """Return how badly each pixel of a window is seen, lower is better."""
        left, top, right, bottom = window
        columns = np.arange(left, right + _STEP_PX, _STEP_PX)
        rows = np.arange(top, bottom + _STEP_PX, _STEP_PX)
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        ground = self._west_north + grid * (self.metres_per_pixel, -self.metres_per_pixel)
        to_pixel = np.linalg.inv(frame.ground_from_pixel)
        pixels = np.column_stack([ground, np.ones(len(ground))]) @ to_pixel.T
        size_wh = np.array(frame.frame.size_wh)
        off = (pixels[:, :2] / pixels[:, 2:] - size_wh / 2) / size_wh.max()
        coarse = frame.resolution_at(ground) * (1 + 4 * (off**2).sum(axis=1))
        table = coarse.reshape(len(rows), len(columns)).astype(np.float32)
        height, width = bottom - top, right - left
        at_x = np.arange(width, dtype=np.float32) / _STEP_PX
        at_y = np.arange(height, dtype=np.float32) / _STEP_PX
        to_x, to_y = np.meshgrid(at_x, at_y)
        return np.asarray(cv2.remap(table, to_x, to_y, cv2.INTER_LINEAR), np.float32)

    def _inside(
        self, frame: GroundedFrame, window: tuple[int, int, int, int]
    ) -> npt.NDArray[np.uint8]:
        """Return 255 where a window lies within the frame, a pixel from its edge, else 0."""
        left, top, right, bottom = window
        pixels = (frame.outline_en - self._west_north) * (1, -1) / self.metres_per_pixel
        stencil = np.zeros((bottom - top + 2, right - left + 2), np.uint8)
        corners = np.round(pixels - (left, top) + 0.5).astype(np.int32)
        cv2.fillConvexPoly(stencil, corners, (255,))
        return np.asarray(cv2.erode(stencil, np.ones((3, 3), np.uint8))[1:-1, 1:-1], np.uint8)

    def _levelled(
        self,
        warped: cv2.typing.MatLike,
        inside: npt.NDArray[np.uint8],
        part: tuple[slice, slice],
    ) -> npt.NDArray[np.uint8]:
        """Return a frame as bright as what is there already; exposure changes within a flight."""
        image = np.asarray(warped, np.uint8)
        few = slice(None, None, _STEP_PX // 2)
        there = self._image[part][few, few]
        shared = (inside[few, few] > 0) & (there[..., 3] > 0)
        if int(shared.sum()) < _LEAST_SHARED:
            return image
        own = float(image[few, few][shared].mean())
        gain = float(there[shared][:, :3].mean()) / max(own, 1.0)
        gain = min(max(gain, _LEAST_GAIN), _MOST_GAIN)
        return np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8)


def _chosen(frames: Sequence[GroundedFrame]) -> list[GroundedFrame]:
    """Return the frames that show something new, at most `_MOST_FRAMES`."""
    near = _NEAR_SHARE
    while True:
        kept: list[GroundedFrame] = []
        centres = np.zeros((0, 2))
        finest = np.zeros(0)
        for one in frames:
            side = one.metres_per_pixel * min(one.frame.size_wh)
            apart = np.linalg.norm(centres - one.centre_en, axis=1)
            close = apart < near * side
            if (close & (finest <= one.metres_per_pixel / _SHARPER)).any():
                continue
            kept.append(one)
            centres = np.vstack([centres, one.centre_en])
            finest = np.append(finest, one.metres_per_pixel)
        if len(kept) <= _MOST_FRAMES:
            return kept
        near *= 1.5
