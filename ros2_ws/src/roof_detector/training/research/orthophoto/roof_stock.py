# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A stock of photographed roofs that are built elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.research.orthophoto.moved_patch import MovedPatch, cut_out, move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.dataset.instance import Floats
    from training.research.orthophoto.roof_paint import Image

_LEAST_SIDE_PX = 20.0
_LENGTHS_PX = (24.0, 190.0)


class RoofStock:
    """Photographed roofs of one place or of several.

    Roofs that an edge of their image may cut, and those narrower than 20 pixels, are not kept.
    """

    def __init__(self, places: Iterable[tuple[Image, list[Floats]]]) -> None:
        self._roofs = []
        for image_bgr, outlines in places:
            for outline in outlines:
                _, sides, _ = cv2.minAreaRect(outline.astype(np.float32))
                found = cut_out(image_bgr, outline)
                if found and min(sides) >= _LEAST_SIDE_PX:
                    self._roofs.append((*found, max(sides)))

    def __len__(self) -> int:
        return len(self._roofs)

    def draw(self, middle: Floats, angle_rad: float, rng: np.random.Generator) -> MovedPatch:
        """Return a roof around a point, its longer side at an angle, in another size."""
        photo_bgr, outline, length = self._roofs[rng.integers(len(self._roofs))]
        wanted = float(np.exp(rng.uniform(*np.log(_LENGTHS_PX))))
        scale = float(np.clip(wanted / length, 0.4, 1.6))
        return move(photo_bgr, outline, middle, angle_rad=angle_rad, scale=scale, rng=rng)
