# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The texture of a facet, with smaller copies for distant views (a mipmap)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TextureLevel:
    """One size of a texture: colours (h, w, 3), and optionally ids (h, w) and alpha (h, w)."""

    image_bgr: NDArray[np.uint8]
    ids: NDArray[np.uint16] | None
    alpha: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Texture:
    """Levels, each half as large as the one before, and the size of level 0's pixel."""

    levels: tuple[TextureLevel, ...]
    metres_per_px: float
    detailed: bool = False

    @classmethod
    def build(
        cls,
        image_bgr: NDArray[np.uint8],
        *,
        metres_per_px: float,
        ids: NDArray[np.uint16] | None = None,
        alpha: NDArray[np.uint8] | None = None,
        detailed: bool = False,
    ) -> Texture:
        """Make the smaller levels; ids shrink by maximum, so that thin objects stay labelled."""
        levels = [TextureLevel(image_bgr, ids, alpha)]
        while min(levels[-1].image_bgr.shape[:2]) >= 16 and len(levels) < 5:
            levels.append(_half(levels[-1]))
        return cls(tuple(levels), metres_per_px, detailed)

    def level_for(self, metres_per_image_px: float) -> int:
        """Return the level whose pixels are about as large as the image's."""
        ratio = max(metres_per_image_px / self.metres_per_px, 1e-6)
        return int(np.clip(np.floor(np.log2(ratio) + 0.4), 0, len(self.levels) - 1))


def _half(level: TextureLevel) -> TextureLevel:
    height, width = (side // 2 for side in level.image_bgr.shape[:2])
    image = cv2.resize(
        level.image_bgr[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
    )
    ids = alpha = None
    if level.ids is not None:
        quads = level.ids[: 2 * height, : 2 * width]
        ids = np.maximum(
            np.maximum(quads[::2, ::2], quads[1::2, ::2]),
            np.maximum(quads[::2, 1::2], quads[1::2, 1::2]),
        )
    if level.alpha is not None:
        alpha = cv2.resize(
            level.alpha[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
        )
    return TextureLevel(
        np.asarray(image, np.uint8), ids, None if alpha is None else np.asarray(alpha, np.uint8)
    )
