# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a drone can have flown between two positions, and how far a position is off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Fixed wings and racers fly so fast, those that photograph roofs half of it.
FASTEST_M_S = 40.0


def horizontal_sigma_m(position_covariance: NDArray[np.float64]) -> float:
    """Return the standard deviation of a position along one horizontal axis, in metres.

    `position_covariance` (3, 3) is of east, north and up in square metres; the two horizontal
    variances are averaged.
    """
    return math.sqrt((position_covariance[0, 0] + position_covariance[1, 1]) / 2)
