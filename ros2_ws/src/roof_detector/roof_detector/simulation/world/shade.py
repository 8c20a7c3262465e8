# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The test whether an object stands in the shadow of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from roof_detector.simulation.world.solid import Solid


def in_shade(
    place: NDArray[np.float64], to_sun: NDArray[np.float64], solids: Iterable[Solid]
) -> bool:
    """Return whether the ray from a point (3,) to the sun meets the upright box of a solid."""
    return any(_meets(place, to_sun, solid) for solid in solids)


def _meets(place: NDArray[np.float64], to_sun: NDArray[np.float64], solid: Solid) -> bool:
    """Cut the ray with the box's three pairs of planes (Kay and Kajiya 1986)."""
    cosine, sine = np.cos(solid.yaw), np.sin(solid.yaw)
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    start = turn @ (place - solid.base)
    ahead = turn @ to_sun
    low = np.array([-solid.half_extent[0], -solid.half_extent[1], 0.0])
    high = np.array([solid.half_extent[0], solid.half_extent[1], solid.height])
    slope = np.where(np.abs(ahead) < 1e-9, 1e-9, ahead)
    first, last = (low - start) / slope, (high - start) / slope
    entry = float(np.minimum(first, last).max())
    leave = float(np.maximum(first, last).min())
    return leave > max(entry, 0.0)
