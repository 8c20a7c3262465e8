# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which part of the roofs was seen, how often and how well, and what was not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import shapely

from roof_detector.findings.detection_curves import missed_by_all
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.shown_places import hulls_of_places
from roof_detector.vision.sharpness import blur_px

if TYPE_CHECKING:
    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.sightings import FrameSightings, GroundView

_MOST_CELLS = 4_000_000
_SIDE_BINS = 4  # of the direction to the camera, east and north, over twice the height
_NOT_SEEN = np.inf


@dataclass(frozen=True)
class CoverageGoal:
    """What counts as seen well enough."""

    views: int = 2
    detected: float = 0.9
    """The probability that an object of every class would have been found there."""
    cell_m: float = 0.25

    def __post_init__(self) -> None:
        if not (self.views >= 1 and 0 < self.detected < 1 and self.cell_m > 0):
            msg = (
                f'The goal of {self.views} views, {self.detected} detected and cells of '
                f'{self.cell_m} m is invalid; give at least 1, a probability, and a length.'
            )
            raise FindingsError(msg)


@dataclass(frozen=True, eq=False, kw_only=True)
class CoverageGrid:
    """Cells (rows, columns) to the north and east of `corner_en`.

    `views` are the frames that saw a cell, `looks` the independent directions among them,
    `metres_per_pixel` the best resolution, infinite where it was not seen, `sharpness` the best
    one of its frames, nan where none was measured, `angle_deg` the smallest angle from nadir,
    `detected` the probability that an object would have been found, by looks, resolution and blur.
    """

    corner_en: npt.NDArray[np.float64]
    cell_m: float
    views: npt.NDArray[np.int32]
    looks: npt.NDArray[np.int32]
    metres_per_pixel: npt.NDArray[np.float64]
    sharpness: npt.NDArray[np.float64]
    angle_deg: npt.NDArray[np.float64]
    detected: npt.NDArray[np.float64]

    def seen(self, goal: CoverageGoal) -> npt.NDArray[np.bool_]:
        """Return which cells were seen well enough."""
        return np.asarray((self.views >= goal.views) & (self.detected >= goal.detected))

    def polygons(self, chosen: npt.NDArray[np.bool_]) -> BaseGeometry:
        """Return chosen cells as polygons, in metres east and north, with simplified edges."""
        boxes = []
        for row, line in enumerate(chosen):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
            low = self.corner_en[1] + row * self.cell_m
            for first, last in edges.reshape(-1, 2).tolist():
                left = self.corner_en[0] + first * self.cell_m
                right = self.corner_en[0] + last * self.cell_m
                boxes.append(shapely.box(left, low, right, low + self.cell_m))
        merged = shapely.union_all(boxes)
        # Closing and opening by a cell: gaps of one cell are noise of the outlines.
        cleaned = merged.buffer(self.cell_m).buffer(-2 * self.cell_m).buffer(self.cell_m)
        return cleaned.simplify(self.cell_m)


class Coverage:
    """Collects what frames showed; the grid is made at the end, when its extent is known."""

    def __init__(self) -> None:
        self._views: list[GroundView] = []
        self._sharpness: list[float] = []

    def add(self, sightings: FrameSightings) -> None:
        """Add a frame; one without a place or with the horizon in view covers nothing."""
        ground = sightings.ground
        if ground is not None and len(ground.outline_en):
            self._views.append(ground)
            self._sharpness.append(sightings.sharpness)

    @property
    def height_m(self) -> float:
        """Return the median height over the roofs, of the frames that count."""
        return float(np.median([view.height_m for view in self._views])) if self._views else 0.0

    @property
    def footprint_wh_m(self) -> tuple[float, float]:
        """Return the median width and height of what a frame shows."""
        if not self._views:
            return 0.0, 0.0
        outlines = np.array([view.outline_en for view in self._views])
        side = outlines.shape[1] // 4
        edges = np.diff(outlines[:, [0, side, 2 * side]], axis=1)
        width, height = np.median(np.linalg.norm(edges, axis=2), axis=0).tolist()
        return width, height

    def region(self) -> BaseGeometry:
        """Return the convex hulls of what was seen at each place, in metres east and north."""
        outlines = [shapely.MultiPoint(view.outline_en) for view in self._views]
        return shapely.union_all(hulls_of_places(outlines))

    def grid(self, curves: CurveTable, goal: CoverageGoal) -> CoverageGrid | None:
        """Return the grid, None where nothing was seen; large areas get larger cells."""
        if not self._views:
            return None
        outlines = np.concatenate([view.outline_en for view in self._views])
        low, high = outlines.min(axis=0), outlines.max(axis=0)
        area = float(np.prod(high - low))
        cell = max(goal.cell_m, math.sqrt(area / _MOST_CELLS))
        columns, rows = (int(side) + 1 for side in np.ceil((high - low) / cell))
        views = np.zeros((rows, columns), np.int32)
        directions = np.zeros((rows, columns), np.int32)
        best = np.full((rows, columns), _NOT_SEEN)
        effective = best.copy()
        sharpest = np.full((rows, columns), np.nan)
        angle = np.full((rows, columns), 90.0)
        for view, sharp in zip(self._views, self._sharpness, strict=True):
            corners = np.round((view.outline_en - low) / cell - 0.5).astype(np.int32)
            first = np.maximum(corners.min(axis=0), 0)
            last = np.minimum(corners.max(axis=0) + 1, (columns, rows))
            window = slice(first[1], last[1]), slice(first[0], last[0])
            stencil = np.zeros((last[1] - first[1], last[0] - first[0]), np.uint8)
            if not stencil.size:
                continue
            cv2.fillConvexPoly(stencil, corners - first, (1,))
            inside = np.nonzero(stencil)
            centres = (np.column_stack(inside[::-1]) + first + 0.5) * cell + low
            whole = view.depth_inside(centres) >= 0  # OpenCV fills cells on the edge as well
            inside, centres = (inside[0][whole], inside[1][whole]), centres[whole]
            resolution = view.resolution_at(centres)
            offsets = (view.camera_en - centres) / view.height_m
            bins = np.clip((offsets + 1) / 2 * _SIDE_BINS, 0, _SIDE_BINS - 1).astype(np.int64)
            views[window][inside] += 1
            directions[window][inside] |= 1 << (bins[:, 0] * _SIDE_BINS + bins[:, 1])
            best[window][inside] = np.minimum(best[window][inside], resolution)
            # A blurred pixel, and one of the network's input, shows what several pixels do.
            blurred = resolution * max(view.reduction, blur_px(sharp))
            effective[window][inside] = np.minimum(effective[window][inside], blurred)
            sharpest[window][inside] = np.fmax(sharpest[window][inside], sharp)
            nadir = np.degrees(np.arctan(np.linalg.norm(offsets, axis=1)))
            angle[window][inside] = np.minimum(angle[window][inside], nadir)
        looks = sum((directions >> bit & 1 for bit in range(_SIDE_BINS**2)), np.zeros_like(views))
        return CoverageGrid(
            corner_en=low,
            cell_m=cell,
            views=views,
            looks=looks,
            metres_per_pixel=best,
            sharpness=sharpest,
            angle_deg=angle,
            detected=_detected(curves, effective, looks),
        )


def _detected(
    curves: CurveTable, resolution: npt.NDArray[np.float64], looks: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the probability that the class which is hardest to see would have been found."""
    least = np.ones(resolution.shape)
    at = np.log(np.where(np.isfinite(resolution), resolution, 1e3))
    for curve in curves.curves:
        single = np.interp(at, np.log(curve[:, 0]), curve[:, 1])
        least = np.minimum(least, single)
    return 1 - missed_by_all(least, looks)
