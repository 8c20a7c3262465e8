# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How good an image is: sharp, well exposed, rich in contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.vision.sharpness import sharpness

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_DARKEST, _BRIGHTEST = 4, 251
# Exposure and contrast are those of the whole; a reduced image has them at a fraction of the time.
_LARGEST = 640


@dataclass(frozen=True, kw_only=True)
class ImageQuality:
    """The quality of one image, or the median of several.

    `sharpness` is that of `vision.sharpness`, nan without texture; `brightness` the mean and
    `contrast` the standard deviation of grey values, 0 to 255; `clipped` the share of pixels that
    are black or white.
    """

    sharpness: float
    brightness: float
    contrast: float
    clipped: float

    @classmethod
    def of(cls, image_bgr: npt.NDArray[np.uint8]) -> ImageQuality:
        """Measure an image (h, w, 3)."""
        grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
        scale = _LARGEST / max(grey.shape)
        small = grey
        if scale < 1:
            small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return cls(
            sharpness=sharpness(np.asarray(grey, np.uint8)),
            brightness=float(small.mean()),
            contrast=float(small.std()),
            clipped=float(((grey <= _DARKEST) | (grey >= _BRIGHTEST)).mean()),
        )

    @classmethod
    def median(cls, measured: Sequence[ImageQuality]) -> ImageQuality | None:
        """Return the median of each number, None of no image."""
        if not measured:
            return None
        names = ('sharpness', 'brightness', 'contrast', 'clipped')
        rows = np.array([[getattr(one, name) for name in names] for one in measured])
        known = ~np.isnan(rows)
        return cls(
            **{
                name: float(np.median(rows[known[:, k], k])) if known[:, k].any() else float('nan')
                for k, name in enumerate(names)
            }
        )
