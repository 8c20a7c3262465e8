# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames that everything is measured on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roof_detector.simulation.sample_frames import sample_frames

_COUNT = 4
_PAINTED_WH = (1280, 720)


def bench_frames(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return simulated roofs (n, height, width, 3) BGR, alike in all sizes."""
    painted = sample_frames(_COUNT, size_wh=_PAINTED_WH)
    if size_wh == _PAINTED_WH:
        return np.stack(painted)
    way = cv2.INTER_AREA if size_wh[0] < _PAINTED_WH[0] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(one, size_wh, interpolation=way) for one in painted]).astype(
        np.uint8
    )
