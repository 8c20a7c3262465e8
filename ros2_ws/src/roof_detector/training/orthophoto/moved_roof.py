# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Photographed roofs that are taken from where they stand and built elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from training.dataset.instance import Floats
from training.orthophoto.roof_paint import Image

_LEAST_SIDE_PX = 20.0
_MARGIN_PX = 3
_LENGTHS_PX = (24.0, 190.0)


@dataclass(frozen=True, eq=False)
class MovedRoof:
    """Hold a roof's photograph, the affine map (2, 3) of its pixels, and where its outline lies.

    `outline` (n, 2) is in pixels of the picture that the roof is laid into, x right, y down.
    """

    photo_bgr: Image
    matrix: Floats
    outline: Floats

    def lay(self, image_bgr: Image, rng: np.random.Generator) -> None:
        """Lay the roof into a picture, in place, in a little other light and colour."""
        low = np.maximum(np.floor(self.outline.min(0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(self.outline.max(0)).astype(int) + 3, image_bgr.shape[1::-1])
        size = tuple(int(extent) for extent in high - low)
        if min(size) < 1:
            return
        photo_bgr = self.photo_bgr
        shrinking = 1 / np.sqrt(abs(np.linalg.det(self.matrix[:, :2])))
        if shrinking > 1.2:
            photo_bgr = cv2.GaussianBlur(photo_bgr, (0, 0), 0.45 * shrinking).astype(np.uint8)
        matrix = self.matrix.copy()
        matrix[:, 2] -= low
        moved = cv2.warpAffine(photo_bgr, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        lit = moved * (rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3))
        cover = np.zeros(moved.shape[:2], np.uint8)
        cv2.fillPoly(
            cover, [np.round((self.outline - low) * 16).astype(np.int32)], (255,), shift=4
        )
        share = cv2.GaussianBlur(cover.astype(np.float32) / 255, (0, 0), 0.7)[..., None]
        box = image_bgr[low[1] : high[1], low[0] : high[0]]
        box[:] = np.clip(box * (1 - share) + lit * share, 0, 255)


class RoofStock:
    """Keep photographed roofs, of one place or of several.

    Roofs that an edge of their picture may cut, and those narrower than 20 pixels, are not kept.
    """

    def __init__(self, places: Iterable[tuple[Image, list[Floats]]]) -> None:
        self._roofs: list[tuple[Image, Floats]] = []
        for image_bgr, outlines in places:
            edge = np.array(image_bgr.shape[1::-1]) - _MARGIN_PX
            for outline in outlines:
                low = np.floor(outline.min(0)).astype(int) - _MARGIN_PX
                high = np.ceil(outline.max(0)).astype(int) + _MARGIN_PX
                _, sides, _ = cv2.minAreaRect(outline.astype(np.float32))
                if (low < 0).any() or (high > edge).any() or min(sides) < _LEAST_SIDE_PX:
                    continue
                photo_bgr = image_bgr[low[1] : high[1], low[0] : high[0]].copy()
                self._roofs.append((photo_bgr, outline - low))

    def __len__(self) -> int:
        return len(self._roofs)

    def draw(self, middle: Floats, angle_rad: float, rng: np.random.Generator) -> MovedRoof:
        """Return one of the roofs around a point, its longer side at an angle, of another size.

        The sides are scaled by up to a fifth apart, so that no two are the same.
        """
        photo_bgr, outline = self._roofs[rng.integers(len(self._roofs))]
        centre, sides, degrees = cv2.minAreaRect(outline.astype(np.float32))
        along = np.radians(degrees if sides[0] >= sides[1] else degrees + 90)
        length = float(np.exp(rng.uniform(*np.log(_LENGTHS_PX))))
        scale = float(np.clip(length / max(sides), 0.4, 1.6))
        stretch = np.array([scale, scale * rng.uniform(0.83, 1.2) * rng.choice((-1, 1))])
        turn = _rotation(angle_rad) @ np.diag(stretch) @ _rotation(-along)
        shift = middle - turn @ np.array(centre, dtype=np.float64)
        matrix = np.concatenate([turn, shift[:, None]], axis=1)
        return MovedRoof(photo_bgr, matrix, outline @ turn.T + shift)


def _rotation(angle_rad: float) -> Floats:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])
