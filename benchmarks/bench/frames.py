# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames of all benchmarks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation.flight.sample_frames import sample_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COUNT = 4
_PAINTED_WH = (1280, 720)


@lru_cache(maxsize=4)
def bench_frames(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return simulated frames (n, height, width, 3) BGR; large ones are rendered smaller."""
    if size_wh[0] * size_wh[1] <= _PAINTED_WH[0] * _PAINTED_WH[1]:
        return np.stack(sample_frames(_COUNT, size_wh=size_wh))
    painted = sample_frames(_COUNT, size_wh=_PAINTED_WH)
    large = [cv2.resize(one, size_wh, interpolation=cv2.INTER_CUBIC) for one in painted]
    return np.stack(large).astype(np.uint8)
