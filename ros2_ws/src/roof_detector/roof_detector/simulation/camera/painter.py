# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The painter of facets into an image and into the raster of instance ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.georeference.pose import CameraPose
    from roof_detector.simulation.camera.pinhole_camera import PinholeCamera
    from roof_detector.simulation.world.facet import Facet

NEAR_M = 0.25
SUBPIXEL_BITS = 4
# Above this many image pixels per texture pixel the surface gets its fine grain.
GRAIN_MAGNIFICATION = 1.2
GRAIN_METRES_PER_PX = 0.004


class Painter:
    """One frame's colours and ids, painted over from back to front."""

    def __init__(
        self, camera: PinholeCamera, pose: CameraPose, *, grain: NDArray[np.uint8] | None = None
    ) -> None:
        width, height = camera.size_wh
        self.camera = camera
        self.pose = pose
        self.image_bgr = np.zeros((height, width, 3), np.uint8)
        self.ids = np.zeros((height, width), np.uint16)
        self._grain = grain
        # Half-spaces of the view with a margin, as normals through the camera's centre.
        half_w, half_h = (width / 2 + 64) / camera.fx, (height / 2 + 64) / camera.fy
        self._sides = np.array([[1, 0, half_w], [-1, 0, half_w], [0, 1, half_h], [0, -1, half_h]])

    def outline(self, corners_enu: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the part of a polygon in view, in the optical frame (n, 3), or None."""
        points = self.pose.to_optical(corners_enu)
        near = points[:, 2] - NEAR_M
        if near.max() <= 0:
            return None
        if near.min() < 0:
            points = _clip(points, near)
        for side in self._sides:
            distance = points @ side
            if distance.max() <= 0:
                return None
            if distance.min() < 0:
                points = _clip(points, distance)
        return points if len(points) >= 3 else None

    def covers_image(self, facet: Facet) -> bool:
        """Return whether a convex opaque facet hides everything painted before it."""
        points = self.pose.to_optical(facet.corners)
        facing = float(facet.plane.normal @ (self.pose.position_enu - facet.corners[0]))
        if facing <= 0 or points[:, 2].min() < NEAR_M:
            return False
        outline = self.camera.project(points).astype(np.float32)
        width, height = self.camera.size_wh
        corners = ((-1, -1), (width, -1), (width, height), (-1, height))
        return all(
            cv2.pointPolygonTest(outline, corner, measureDist=False) > 0 for corner in corners
        )

    def paint(self, facet: Facet) -> None:
        """Paint one facet, unless it is out of view or seen from behind."""
        facing = float(facet.plane.normal @ (self.pose.position_enu - facet.corners[0]))
        if facing <= 0 and not facet.two_sided:
            return
        points = self.outline(facet.corners)
        if points is None:
            return
        pixels = self.camera.project(points)
        width, height = self.camera.size_wh
        x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0)
        x1 = min(int(np.ceil(pixels[:, 0].max())) + 1, width)
        y1 = min(int(np.ceil(pixels[:, 1].max())) + 1, height)
        if x1 <= x0 or y1 <= y0:
            return
        polygon = np.round((pixels - (x0, y0)) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        size = (x1 - x0, y1 - y0)
        window = (slice(y0, y1), slice(x0, x1))
        stencil = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(stencil, [polygon], (255,), shift=SUBPIXEL_BITS)
        texture = facet.texture
        depth = float(np.median(points[:, 2]))
        level = texture.level_for(depth / self.camera.fx)
        level_image = texture.levels[level]
        matrix = self._homography(facet, texture.metres_per_px * 2**level, (x0, y0))
        colours = cv2.warpPerspective(
            level_image.image_bgr,
            matrix,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        if texture.detailed and self._grain is not None:
            self._add_grain(colours, facet, depth, (x0, y0))
        if level_image.alpha is not None:
            alpha = cv2.warpPerspective(level_image.alpha, matrix, size, flags=cv2.INTER_LINEAR)
            stencil &= np.where(alpha > 127, np.uint8(255), np.uint8(0))
        cv2.copyTo(colours, stencil, self.image_bgr[window])
        if level_image.ids is not None:
            ids = cv2.warpPerspective(level_image.ids, matrix, size, flags=cv2.INTER_NEAREST)
            cv2.copyTo(ids, stencil, self.ids[window])
        elif level_image.alpha is not None:
            self.ids[window][stencil > 0] = facet.instance
        else:
            cv2.fillPoly(self.ids[window], [polygon], (facet.instance,), shift=SUBPIXEL_BITS)

    def _homography(
        self, facet: Facet, metres_per_px: float, corner_xy: tuple[int, int]
    ) -> NDArray[np.float64]:
        plane, step = facet.plane, metres_per_px
        first = plane.origin + 0.5 * step * (plane.axis_u + plane.axis_v)
        in_enu = np.stack([plane.axis_u * step, plane.axis_v * step, first], axis=1)
        in_enu[:, 2] -= self.pose.position_enu
        matrix = self.camera.matrix
        matrix[:2, 2] -= corner_xy
        return matrix @ self.pose.rotation.T @ in_enu

    def _add_grain(
        self, colours: cv2.typing.MatLike, facet: Facet, depth: float, corner_xy: tuple[int, int]
    ) -> None:
        magnification = facet.texture.metres_per_px * self.camera.fx / depth
        if magnification < GRAIN_MAGNIFICATION or self._grain is None:
            return
        matrix = self._homography(facet, GRAIN_METRES_PER_PX, corner_xy)
        size = (colours.shape[1], colours.shape[0])
        strength = min(1.0, (magnification - GRAIN_MAGNIFICATION) / 2 + 0.25)
        grain = cv2.warpPerspective(self._grain, matrix, size, borderMode=cv2.BORDER_WRAP)
        # Grain is stored around 128: colour * grain / 128 leaves the mean as it is.
        mixed = cv2.addWeighted(grain, strength, grain, 0.0, 128 * (1 - strength))
        cv2.multiply(colours, cv2.merge([mixed, mixed, mixed]), dst=colours, scale=1 / 128)


def _clip(points: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut a polygon at a half-space, keeping where distance >= 0 (Sutherland and Hodgman 1974)."""
    following, ahead = np.roll(points, -1, axis=0), np.roll(distance, -1)
    kept: list[NDArray[np.float64]] = []
    for a, b, da, db in zip(points, following, distance, ahead, strict=True):
        if da >= 0:
            kept.append(a)
        if (da < 0) != (db < 0):
            kept.append(a + (b - a) * (da / (da - db)))
    return np.array(kept).reshape(-1, 3)
