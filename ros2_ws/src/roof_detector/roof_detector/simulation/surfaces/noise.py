# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Fractal noise, the raw material of every texture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def fractal_noise(
    shape_hw: tuple[int, int],
    rng: np.random.Generator,
    *,
    feature_px: float,
    octaves: int = 4,
    persistence: float = 0.55,
    stretch: float = 1.0,
) -> Plane:
    """Return noise of about zero mean and unit deviation (h, w).

    The coarsest octave varies over `feature_px`; `stretch` draws features out along x.
    """
    height, width = shape_hw
    cells = [max(feature_px / 2**octave, 1.0) for octave in range(octaves)]
    last = next((k for k, cell in enumerate(cells) if cell <= 1.0), octaves - 1)
    # Each octave is added at its own size and only the finest grid is grown to full size.
    finest_y, finest_x = cells[last], max(cells[last] * stretch, 1.0)
    rows = int(np.ceil(height / finest_y)) + 3
    columns = int(np.ceil(width / finest_x)) + 3
    total: Plane = np.zeros((1, 1), np.float32)
    power = 0.0
    for octave in range(last + 1):
        scale = cells[last] / cells[octave]
        shape = (max(int(np.ceil(rows * scale)) + 1, 2), max(int(np.ceil(columns * scale)) + 1, 2))
        gain = persistence**octave
        if octave > 0:
            total = np.asarray(_grow(total, cells[octave - 1] / cells[octave], shape))
        total = total + np.float32(gain) * rng.standard_normal(shape, dtype=np.float32)
        power += gain * gain
    total *= np.float32(GROWTH_LOSS / np.sqrt(power))
    return _stretch(total[:rows, :columns], (finest_x, finest_y), rng)[:height, :width]


# Cubic growing takes away variance; measured over features of 2 to 200 pixels.
GROWTH_LOSS = 1.16


def _grow(coarse: Plane, factor: float, shape_hw: tuple[int, int]) -> Plane:
    """Enlarge by a factor and cut to a shape; what is missing repeats the border."""
    size = (
        max(int(np.ceil(coarse.shape[1] * factor)), shape_hw[1]),
        max(int(np.ceil(coarse.shape[0] * factor)), shape_hw[0]),
    )
    grown = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown[: shape_hw[0], : shape_hw[1]], np.float32)


def _stretch(grid: Plane, cell_xy: tuple[float, float], rng: np.random.Generator) -> Plane:
    """Enlarge the finest grid to full size at a random phase, so that cells line up nowhere."""
    phase = rng.random(2)
    if cell_xy == (1.0, 1.0):
        return grid
    size = (int(np.ceil(grid.shape[1] * cell_xy[0])), int(np.ceil(grid.shape[0] * cell_xy[1])))
    grown = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    left, top = int(phase[0] * cell_xy[0]), int(phase[1] * cell_xy[1])
    return np.asarray(grown[top:, left:], np.float32)


def smoothstep(values: Plane, low: float | Plane, high: float | Plane) -> Plane:
    """Map values below low to 0, above high to 1, with a smooth S between."""
    t = np.clip((values - low) / (high - low), 0, 1, dtype=np.float32)
    return t * t * (3 - 2 * t)
