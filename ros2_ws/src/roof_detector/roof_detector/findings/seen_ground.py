# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How much of the ground the frames of an inspection's file showed, and how finely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import shapely

from roof_detector.findings.shown_places import hulls_of_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.stored_frames import GroundedFrame

_CELL_M = 0.25
_MOST_CELLS = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class SeenGround:
    """Cells (rows, columns) to the south and east of `west_north_en`, in metres.

    `views` are the frames that showed a cell, `metres_per_pixel` is the finest of them, infinite
    where there is none.
    """

    west_north_en: tuple[float, float]
    cell_m: float
    views: npt.NDArray[np.int32]
    metres_per_pixel: npt.NDArray[np.float32]

    def inside(self, region_en: BaseGeometry) -> npt.NDArray[np.bool_]:
        """Return which cells have their middle in a region, in metres east and north."""
        rows, columns = self.views.shape
        west, north = self.west_north_en
        east = west + (np.arange(columns) + 0.5) * self.cell_m
        down = north - (np.arange(rows) + 0.5) * self.cell_m
        shapely.prepare(region_en)
        grid_east, grid_north = np.meshgrid(east, down)
        found = shapely.contains_xy(region_en, grid_east.ravel(), grid_north.ravel())
        return np.asarray(found).reshape(rows, columns)

    def area_m2(self, cells: npt.NDArray[np.bool_]) -> float:
        """Return the area of chosen cells."""
        return float(cells.sum()) * self.cell_m**2


def seen_ground(frames: Sequence[GroundedFrame]) -> SeenGround | None:
    """Return what frames showed, None without any; large areas get larger cells."""
    if not frames:
        return None
    outlines = np.concatenate([one.outline_en for one in frames])
    low, high = outlines.min(axis=0), outlines.max(axis=0)
    cell = max(_CELL_M, math.sqrt(float(np.prod(high - low)) / _MOST_CELLS))
    columns, rows = (max(int(side), 1) for side in np.ceil((high - low) / cell))
    views = np.zeros((rows, columns), np.int32)
    best = np.full((rows, columns), np.inf, np.float32)
    corner = np.array([low[0], high[1]])
    for one in frames:
        pixels = (one.outline_en - corner) * (1, -1) / cell - 0.5
        first = np.clip(np.floor(pixels.min(axis=0)), 0, None).astype(int)
        last = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 1, (columns, rows))
        if (first >= last).any():
            continue
        stencil = np.zeros((last[1] - first[1], last[0] - first[0]), np.uint8)
        cv2.fillConvexPoly(stencil, np.round(pixels - first).astype(np.int32), (1,))
        inside = np.nonzero(stencil)
        middles = corner + (np.column_stack(inside[::-1]) + first + 0.5) * (cell, -cell)
        window = slice(first[1], last[1]), slice(first[0], last[0])
        views[window][inside] += 1
        finest = np.minimum(best[window][inside], one.resolution_at(middles))
        best[window][inside] = finest
    return SeenGround(
        west_north_en=(float(corner[0]), float(corner[1])),
        cell_m=cell,
        views=views,
        metres_per_pixel=best,
    )


def hull_of(frames: Sequence[GroundedFrame]) -> BaseGeometry:
    """Return the convex hulls of what frames showed at each place, in metres east and north."""
    outlines = [shapely.MultiPoint(one.outline_en) for one in frames]
    return shapely.union_all(hulls_of_places(outlines))
