# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The overlap of predicted and target shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Intersection over union `iou` (predictions, targets) and each side's areas in pixels."""

    iou: Floats
    found_areas: Floats
    true_areas: Floats
