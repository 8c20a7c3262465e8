# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A piece of an orthophoto that is cut out along its outline and pasted elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.research.orthophoto.roof_paint import Image, cover_of, lay_softly
from training.research.orthophoto.turned_window import ready_to_shrink

if TYPE_CHECKING:
    from training.dataset.instance import Floats

_MARGIN_PX = 3  # of the photograph around the outline


@dataclass(frozen=True, eq=False)
class MovedPatch:
    """A photograph, the affine map (2, 3) of its pixels, and its outline at the new place.

    `outline` (n, 2) is in pixels of the target image, x right, y down.
    """

    photo_bgr: Image
    matrix: Floats
    outline: Floats

    def lay(self, image_bgr: Image, rng: np.random.Generator) -> None:
        """Paste the patch into an image, in place, in slightly different light and colour."""
        low = np.maximum(np.floor(self.outline.min(0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(self.outline.max(0)).astype(int) + 3, image_bgr.shape[1::-1])
        size = tuple(int(extent) for extent in high - low)
        if min(size) < 1:
            return
        shrinking = 1 / np.sqrt(abs(np.linalg.det(self.matrix[:, :2])))
        photo_bgr = ready_to_shrink(self.photo_bgr, shrinking)
        matrix = self.matrix.copy()
        matrix[:, 2] -= low
        moved = cv2.warpAffine(photo_bgr, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        lit = moved * (rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3))
        box = image_bgr[low[1] : high[1], low[0] : high[0]]
        lay_softly(box, lit, cover_of(self.outline - low, box.shape[:2]))


def cut_out(image_bgr: Image, outline: Floats) -> tuple[Image, Floats] | None:
    """Return the photograph of an outline with a margin, and the outline in its pixels.

    None for an outline that the image's edge may cut.
    """
    low = np.floor(outline.min(0)).astype(int) - _MARGIN_PX
    high = np.ceil(outline.max(0)).astype(int) + _MARGIN_PX
    if (low < 0).any() or (high >= image_bgr.shape[1::-1]).any():
        return None
    return image_bgr[low[1] : high[1], low[0] : high[0]].copy(), outline - low


def move(
    photo_bgr: Image,
    outline: Floats,
    middle: Floats,
    *,
    angle_rad: float,
    scale: float,
    rng: np.random.Generator,
) -> MovedPatch:
    """Place an outline's middle on a point, its longer side at an angle, randomly mirrored.

    Its sides are scaled differently by up to a fifth, so that no two are the same.
    """
    centre, sides, degrees = cv2.minAreaRect(outline.astype(np.float32))
    along = np.radians(degrees if sides[0] >= sides[1] else degrees + 90)
    stretch = np.array([scale, scale * rng.uniform(0.83, 1.2) * rng.choice((-1, 1))])
    turn = rotation(angle_rad) @ np.diag(stretch) @ rotation(-along)
    shift = middle - turn @ np.array(centre, dtype=np.float64)
    matrix = np.concatenate([turn, shift[:, None]], axis=1)
    return MovedPatch(photo_bgr, matrix, outline @ turn.T + shift)


def rotation(angle_rad: float) -> Floats:
    """Return the matrix (2, 2) that rotates x towards y."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])
