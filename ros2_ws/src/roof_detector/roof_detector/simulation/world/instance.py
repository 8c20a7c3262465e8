# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One labelled object in the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class WorldInstance:
    """An object's id (from 1), class, position in ENU, and the points that show its visibility.

    `outline` are the corners of a solid or samples of a painted area (k, 3). `width_m` is the
    width of thin objects, infinite for others.
    """

    instance_id: int
    class_id: int
    position_enu: NDArray[np.float64]
    outline: NDArray[np.float64]
    solid: bool
    width_m: float = float('inf')
