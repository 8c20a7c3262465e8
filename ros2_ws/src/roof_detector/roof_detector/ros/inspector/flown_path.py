# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the camera flew, for a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_POINTS = 1000
_STEP_M = 0.5


class FlownPath:
    """Places of a camera at least half a metre apart; of too many every other one is kept."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._step_m = _STEP_M

    def add(self, place_en: npt.NDArray[np.float64]) -> None:
        """Add a place (2,) in metres east and north, unless the camera has hardly moved."""
        east, north = place_en.tolist()
        if self._points:
            last_east, last_north = self._points[-1]
            if abs(east - last_east) < self._step_m and abs(north - last_north) < self._step_m:
                return
        self._points.append((east, north))
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
            self._step_m *= 2

    @property
    def points_en(self) -> npt.NDArray[np.float64]:
        """Return the places (n, 2) in the order in which they were flown over."""
        return np.array(self._points, np.float64).reshape(-1, 2)
