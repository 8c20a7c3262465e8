# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How sharp an image is, whatever texture it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_TILES_WH = (4, 3)
# Grey levels of the Laplacian at a quarter of the size: less is noise, not texture.
_LEAST_TEXTURE = 1.0
# The sharpness that photos of roofs, quays and solar panels have on average after a Gaussian blur
# of so many pixels, in falling order; as they are, it is 0.8 to 1.7.
_SHARPNESS = (0.95, 0.70, 0.57, 0.41, 0.35, 0.33)
_BLUR_PX = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def sharpness(image: npt.NDArray[np.uint8]) -> float:
    """Return the sharpness of an image (h, w, 3) in BGR or (h, w), nan where it has no texture.

    It is the root mean square of the Laplacian at half the size over that at a quarter, the median
    of twelve tiles: detail over coarse texture, so that contrast and exposure cancel. At full size
    noise would count as detail.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    half = cv2.pyrDown(grey)
    quarter = cv2.pyrDown(half)
    if min(quarter.shape) < _TILES_WH[0]:
        return float('nan')
    fine, coarse = (_energies(level) for level in (half, quarter))
    textured = coarse > _LEAST_TEXTURE**2
    if not textured.any():
        return float('nan')
    return float(np.median(np.sqrt(fine[textured] / coarse[textured])))


def blur_px(value: float) -> float:
    """Return the standard deviation of the blur in pixels, at least 1, of an image's sharpness."""
    if not np.isfinite(value):
        return 1.0
    return float(np.interp(-value, -np.array(_SHARPNESS), _BLUR_PX))


def _energies(grey: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the mean square of the Laplacian of each tile."""
    squared = cv2.Laplacian(grey, cv2.CV_32F) ** 2
    return np.asarray(cv2.resize(squared, _TILES_WH, interpolation=cv2.INTER_AREA))
