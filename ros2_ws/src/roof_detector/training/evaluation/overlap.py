# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How much found and true shapes share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Hold intersection over union `iou` (found, true) and each side's areas in pixels."""

    iou: Floats
    found_areas: Floats
    true_areas: Floats
