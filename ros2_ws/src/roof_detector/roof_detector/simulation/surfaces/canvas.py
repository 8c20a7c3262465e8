# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The canvas of a surface that is being painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation.surfaces.noise import Plane, fractal_noise
from roof_detector.simulation.surfaces.texture import Texture

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Window = tuple[slice, slice]
Colour = tuple[float, float, float]


class Canvas:
    """A surface's colours as planes (3, h, w) in BGR 0-255, ids (h, w) and shade (h, w)."""

    def __init__(self, size_uv_m: tuple[float, float], *, metres_per_px: float) -> None:
        self.metres_per_px = metres_per_px
        self.size_uv_m = size_uv_m
        width, height = (max(int(np.ceil(side / metres_per_px)), 8) for side in size_uv_m)
        self.shape_hw = (height, width)
        self.planes = np.zeros((3, height, width), np.float32)
        self.ids = np.zeros((height, width), np.uint16)
        self.shade = np.zeros((height, width), np.uint8)

    @property
    def whole(self) -> Window:
        """Return the window that covers the surface."""
        return slice(0, self.shape_hw[0]), slice(0, self.shape_hw[1])

    def window(self, centre_uv: ArrayLike, radius_m: float) -> Window:
        """Return the rows and columns around a place, cut at the surface's edges."""
        centre = np.asarray(centre_uv, dtype=np.float64) / self.metres_per_px
        radius = radius_m / self.metres_per_px
        spans = []
        for middle, length in ((centre[1], self.shape_hw[0]), (centre[0], self.shape_hw[1])):
            first = int(np.clip(middle - radius, 0, length - 1))
            spans.append(slice(first, int(np.clip(middle + radius, first + 1, length))))
        return spans[0], spans[1]

    def grid(self, window: Window) -> tuple[Plane, Plane]:
        """Return the u (1, w) and v (h, 1) of the window's pixels in metres."""
        rows, columns = window
        u = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) * self.metres_per_px
        v = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * self.metres_per_px
        return u[None, :], v[:, None]

    def noise(
        self,
        window: Window,
        rng: np.random.Generator,
        *,
        feature_m: float,
        octaves: int = 4,
        persistence: float = 0.55,
        stretch: float = 1.0,
    ) -> Plane:
        """Return fractal noise over a window, its coarsest feature in metres."""
        shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
        return fractal_noise(
            shape,
            rng,
            feature_px=feature_m / self.metres_per_px,
            octaves=octaves,
            persistence=persistence,
            stretch=stretch,
        )

    def fill(self, colour: Colour) -> None:
        """Give the whole surface one colour to start from."""
        for plane, value in zip(self.planes, colour, strict=True):
            plane[:] = value

    def blend(self, window: Window, weight: Plane | float, colour: Colour) -> None:
        """Move the window's colours towards a colour by a weight 0-1."""
        for plane, value in zip(self.planes, colour, strict=True):
            part = plane[window]
            part += weight * (np.float32(value) - part)

    def scale(self, window: Window, gain: Plane | float) -> None:
        """Multiply the window's colours."""
        for plane in self.planes:
            plane[window] *= gain

    def polygon(self, uv: ArrayLike, *, soften_px: float = 0.0) -> tuple[Window, Plane]:
        """Return the window and the coverage 0-1 of a polygon (n, 2) in metres."""
        window, drawn, fixed = self._sheet(uv, margin_px=4 + 3 * soften_px)
        cv2.fillPoly(drawn, [fixed], (255,), lineType=cv2.LINE_AA, shift=4)
        return window, _softened(drawn, soften_px)

    def line(
        self, uv: ArrayLike, *, width_m: float, soften_px: float = 0.0
    ) -> tuple[Window, Plane]:
        """Return the window and the coverage 0-1 of a polyline (n, 2) in metres."""
        thickness = max(round(width_m / self.metres_per_px), 1)
        window, drawn, fixed = self._sheet(uv, margin_px=4 + thickness + 3 * soften_px)
        cv2.polylines(
            drawn,
            [fixed],
            isClosed=False,
            color=(255,),
            thickness=thickness,
            lineType=cv2.LINE_AA,
            shift=4,
        )
        return window, _softened(drawn, soften_px)

    def _sheet(
        self, uv: ArrayLike, *, margin_px: float
    ) -> tuple[Window, NDArray[np.uint8], NDArray[np.int32]]:
        """Return a window around points, an empty sheet for it, and the points in 1/16 pixel."""
        points = np.asarray(uv, dtype=np.float64)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        reach = float((points.max(axis=0) - points.min(axis=0)).max()) / 2
        window = self.window(middle, reach + margin_px * self.metres_per_px)
        shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
        local = points / self.metres_per_px - 0.5 - (window[1].start, window[0].start)
        return window, np.zeros(shape, np.uint8), np.round(local * 16).astype(np.int32)

    def cast(self, uv: ArrayLike) -> None:
        """Put the convex hull of shadow points (n, 2) in metres under shade."""
        points = np.asarray(uv, dtype=np.float32) / self.metres_per_px - 0.5
        hull = cv2.convexHull(points)
        fixed = np.round(hull * 16).astype(np.int32)
        cv2.fillConvexPoly(self.shade, fixed, (255,), lineType=cv2.LINE_AA, shift=4)

    def finish(self, *, shade_strength: float, shade_blur_m: float, gain: float = 1.0) -> Texture:
        """Apply the shade and make the texture; the canvas must not be used afterwards."""
        if self.shade.any():
            blur = max(shade_blur_m / self.metres_per_px, 0.5)
            soft = cv2.GaussianBlur(self.shade, (0, 0), blur)
            weight = soft.astype(np.float32) * (shade_strength / 255)
            # Skylight is bluer than sunlight: shade takes least from blue.
            for channel, share in enumerate((0.88, 0.96, 1.0)):
                self.planes[channel] *= gain * (1 - share * weight)
        elif gain != 1.0:
            self.planes *= gain
        image = cv2.merge([np.clip(plane, 0, 255).astype(np.uint8) for plane in self.planes])
        ids: NDArray[np.uint16] | None = self.ids if self.ids.any() else None
        return Texture.build(
            np.asarray(image, np.uint8), metres_per_px=self.metres_per_px, ids=ids, detailed=True
        )


def _softened(drawn: NDArray[np.uint8], soften_px: float) -> Plane:
    if soften_px > 0:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), soften_px), np.uint8)
    return drawn.astype(np.float32) / 255
