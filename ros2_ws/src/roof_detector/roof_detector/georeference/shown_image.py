# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How the camera of an image that is shown turned stands to the one of the stored image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.vision.orientation import TURNS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def optical_turn(orientation: int) -> NDArray[np.float64] | None:
    """Return the rotation (3, 3) of the optical frame of the shown image into the stored one's.

    Axes are those of REP-103: x right, y down, z forward. A mirrored image has none.
    """
    turns, mirrored = TURNS.get(orientation, (0, False))
    if mirrored:
        return None
    # A quarter turn anticlockwise brings what was right up: the stored x is the shown -y.
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return np.linalg.matrix_power(quarter, turns)
