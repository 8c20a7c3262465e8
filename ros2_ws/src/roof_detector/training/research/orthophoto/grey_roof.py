# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Grey roofs made of photographed ones: concrete, cement, bitumen, gravel and weathered sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.research.orthophoto.roof_paint import Image, cover_of, lay_softly, noise

if TYPE_CHECKING:
    from training.dataset.instance import Floats

_LEAST_SIDE_PX = 12.0
_MARGIN_PX = 2


@dataclass(frozen=True)
class _Surface:
    """A material: its lightest and darkest grey, its grain, and shares of what stands on it."""

    greys: tuple[float, float]
    tint_bgr: tuple[float, float, float]
    grain: float
    flat_share: float  # without the light of slopes, with a parapet


_SURFACES = (
    _Surface((125, 190), (0.95, 1.0, 1.03), 4, 0.9),  # concrete
    _Surface((195, 238), (0.98, 1.0, 1.0), 3, 0.8),  # cement wash, white membrane
    _Surface((45, 95), (1.02, 1.0, 0.99), 4, 0.9),  # bitumen
    _Surface((110, 165), (0.97, 1.0, 1.02), 11, 1.0),  # gravel
    _Surface((120, 205), (1.05, 1.0, 0.97), 2, 0.1),  # weathered sheets
    _Surface((70, 130), (0.88, 0.97, 1.1), 5, 0.1),  # old tiles
)


def make_grey(image_bgr: Image, outline: Floats, rng: np.random.Generator, shadow: Floats) -> None:
    """Turn the roof that is photographed within an outline (n, 2) into a grey one, in place.

    Its own light, stains and edges stay, without their colour. Most become flat: stained screed
    in fields, a parapet whose shadow, along `shadow` (2,) pixels, falls inward, and some carry
    tanks and boxes. Roofs narrower than 12 pixels only lose their colour.
    """
    low = np.maximum(np.floor(outline.min(0)).astype(int) - _MARGIN_PX, 0)
    high = np.minimum(np.ceil(outline.max(0)).astype(int) + _MARGIN_PX + 1, image_bgr.shape[1::-1])
    if (high - low < 2 * _MARGIN_PX).any():
        return
    box = image_bgr[low[1] : high[1], low[0] : high[0]]
    cover = cover_of(outline - low, box.shape[:2])
    if (cover > 127).sum() < _LEAST_SIDE_PX:
        return
    surface = _SURFACES[rng.integers(len(_SURFACES))]
    roof = _GreyRoof(box.astype(np.float64), outline - low, cover, rng)
    roof.bare(surface, flat=bool(rng.random() < surface.flat_share))
    if roof.narrowest_px >= _LEAST_SIDE_PX:
        roof.stain()
        if roof.flat:
            roof.joint()
            roof.parapet(shadow)
            roof.furnish(shadow)
    lay_softly(box, roof.coloured(surface), cover)


class _GreyRoof:
    """The light (height, width) of one roof's surface, 0 to 255, which the methods change."""

    def __init__(
        self,
        photo: Floats,
        outline: Floats,
        cover: npt.NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> None:
        self._photo, self._rng = photo, rng
        self._inside = cover > 127
        self._depth = cv2.distanceTransform(self._inside.astype(np.uint8), cv2.DIST_L2, 3)
        centre, sides, degrees = cv2.minAreaRect(outline.astype(np.float32))
        turn = np.radians(degrees)
        rows, columns = np.mgrid[0 : cover.shape[0], 0 : cover.shape[1]]
        x, y = columns - centre[0], rows - centre[1]
        self._along = x * np.cos(turn) + y * np.sin(turn)
        self._across = y * np.cos(turn) - x * np.sin(turn)
        self.narrowest_px = min(sides)
        self.flat = False
        self._light = np.zeros(cover.shape)

    def bare(self, surface: _Surface, *, flat: bool) -> None:
        """Take the photograph's light to the grey of a surface; a flat one has no slopes."""
        rng = self._rng
        self.flat = flat
        light = self._photo.mean(axis=2)
        relief = light - light[self._inside].mean()
        if flat:
            known = self._inside.astype(np.float64)
            reach = max(self.narrowest_px / 6, 2.0)
            slopes = cv2.GaussianBlur(relief * known, (0, 0), reach)
            slopes /= np.maximum(cv2.GaussianBlur(known, (0, 0), reach), 1e-3)
            relief = relief - slopes * rng.uniform(0.6, 1)
        grey = rng.uniform(*surface.greys)
        spread = max(float(relief[self._inside].std()), 1e-6)
        wanted = min(spread, rng.uniform(0.06, 0.16) * grey)
        grain = rng.normal(0, surface.grain * rng.uniform(0.5, 1.2), relief.shape)
        self._light = grey + relief * (wanted / spread) + grain

    def stain(self) -> None:
        """Darken and bleach spots where water stood, and the dirt along the edges."""
        rng = self._rng
        shape = self._light.shape
        for grain_px in (rng.uniform(5, 12), rng.uniform(15, 50)):
            spots = np.clip(noise(shape, grain_px, rng) - rng.uniform(-0.2, 0.9), 0, 1.5)
            self._light *= 1 - spots * rng.uniform(-0.05, 0.25)
        dirt = np.exp(-self._depth / rng.uniform(2, 7)) * rng.uniform(0, 0.25)
        self._light *= 1 - dirt * np.clip(1 + 0.5 * noise(shape, 8, rng), 0, 2)

    def joint(self) -> None:
        """Draw the joints of fields or the laps of felt, two times in three."""
        rng = self._rng
        if rng.random() < 0.35:
            return
        ways = (self._along, self._across) if rng.random() < 0.5 else (self._along,)
        for way in ways:
            apart = rng.uniform(12, 60)
            line = np.abs((way / apart + rng.random()) % 1 - 0.5) * apart < rng.uniform(0.5, 1)
            self._light = np.where(line, self._light * rng.uniform(0.72, 1.12), self._light)

    def parapet(self, shadow: Floats) -> None:
        """Raise an edge, lit from the side opposite its shadow, which falls on the roof."""
        rng = self._rng
        if rng.random() < 0.2:
            return
        width = rng.uniform(1.5, min(5.0, self.narrowest_px / 6))
        floor = self._depth > width
        towards = shadow / max(float(np.linalg.norm(shadow)), 1e-6)
        self._shade(~floor, floor, towards * rng.uniform(1, min(9.0, self.narrowest_px / 4)))
        edge = (self._depth <= width) & self._inside
        self._light[edge] = self._light[floor | edge].mean() * rng.uniform(0.85, 1.35)

    def furnish(self, shadow: Floats) -> None:
        """Stand tanks and boxes on it, with their shadows; none on small roofs and on some."""
        rng = self._rng
        spots = np.argwhere(self._depth > 12)
        for _ in range(int(rng.integers(0, 5)) if len(spots) and rng.random() < 0.7 else 0):
            row, column = spots[rng.integers(len(spots))]
            along = self._along - self._along[row, column]
            across = self._across - self._across[row, column]
            half = rng.uniform(3, 9, 2)
            if rng.random() < 0.5:
                body = np.hypot(along, across) < half[0]
            else:
                body = (np.abs(along) < half[0]) & (np.abs(across) < half[1])
            self._shade(body, self._inside & ~body, shadow * rng.uniform(0.3, 0.8))
            self._light[body] = rng.choice((40, 120, 190, 235)) + 3 * along[body]

    def _shade(
        self, casting: npt.NDArray[np.bool_], ground: npt.NDArray[np.bool_], shadow: Floats
    ) -> None:
        """Darken the ground that is swept when what casts the shadow is moved along it."""
        swept = np.zeros(casting.shape, np.float32)
        size_wh = (casting.shape[1], casting.shape[0])
        for share in np.linspace(0, 1, 5):
            shift = np.array([[1, 0, shadow[0] * share], [0, 1, shadow[1] * share]])
            moved = cv2.warpAffine(casting.astype(np.float32), shift, size_wh)
            swept = np.maximum(swept, moved)
        self._light *= 1 - self._rng.uniform(0.25, 0.6) * swept * ground

    def coloured(self, surface: _Surface) -> Floats:
        """Return the pixels (height, width, 3): the tint, and a little of the old colour."""
        rng = self._rng
        light = np.clip(self._light, 8, 250)[..., None]
        tint = np.array(surface.tint_bgr) * rng.uniform(0.97, 1.03, 3)
        own = self._photo / np.maximum(self._photo.mean(axis=2, keepdims=True), 1)
        kept = rng.uniform(0, 0.12)
        coloured: Floats = light * (tint * (1 - kept) + own * kept)
        return coloured
