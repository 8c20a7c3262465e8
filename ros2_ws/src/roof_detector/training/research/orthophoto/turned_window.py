# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A square window of an orthophoto, rotated, mirrored and scaled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.dataset.instance import Floats, Instance, area
from training.dataset.tiling import clip_polygon

BEYOND_BGR = (114, 114, 114)  # the grey of the letterbox
_LEAST_SIDE_PX = 6.0
_LEAST_VISIBLE = 0.35


@dataclass(frozen=True, eq=False, kw_only=True)
class TurnedWindow:
    """A window: its middle and side in pixels of the orthophoto, and its rotation."""

    centre_xy: tuple[float, float]
    side_px: float
    angle_rad: float = 0.0
    mirrored: bool = False
    size_px: int = 640

    @property
    def matrix(self) -> Floats:
        """Return the affine map (2, 3) from the orthophoto's pixels to the window's."""
        scale = self.size_px / self.side_px
        cosine, sine = np.cos(self.angle_rad) * scale, np.sin(self.angle_rad) * scale
        turn = np.array([[cosine, -sine], [sine, cosine]])
        if self.mirrored:
            turn[0] *= -1
        shift = self.size_px / 2 - turn @ self.centre_xy
        return np.concatenate([turn, shift[:, None]], axis=1)

    def cut(self, image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the window's pixels; grey outside the image."""
        shrinking = self.side_px / self.size_px
        return cv2.warpAffine(
            ready_to_shrink(image_bgr, shrinking),
            self.matrix,
            (self.size_px, self.size_px),
            flags=cv2.INTER_LINEAR if shrinking >= 1 else cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=BEYOND_BGR,
        ).astype(np.uint8, copy=False)

    def instances(self, outlines: list[Floats]) -> tuple[Instance, ...]:
        """Return the visible part of the outlines in the window, without slivers and specks."""
        matrix = self.matrix
        whole = (0, 0, self.size_px, self.size_px)
        seen = []
        for outline in outlines:
            turned = outline @ matrix[:, :2].T + matrix[:, 2]
            part = clip_polygon(turned, whole)
            if len(part) < 3 or area(part) < _LEAST_VISIBLE * area(turned):
                continue
            if np.ptp(part, axis=0).max() >= _LEAST_SIDE_PX:
                seen.append(Instance.of_polygons(0, (part / self.size_px,)))
        return tuple(seen)


def ready_to_shrink(image_bgr: npt.NDArray[np.uint8], times: float) -> npt.NDArray[np.uint8]:
    """Return an image blurred enough to be warped to a size so many times smaller.

    Warping samples single pixels: without a blur first, small roofs would flicker.
    """
    if times <= 1.2:
        return image_bgr
    return cv2.GaussianBlur(image_bgr, (0, 0), 0.45 * times).astype(np.uint8, copy=False)
