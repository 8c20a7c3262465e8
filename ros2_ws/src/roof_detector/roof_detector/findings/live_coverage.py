# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a flight has seen so far, in bounded memory and time."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.coverage import Coverage, CoverageGoal

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.coverage import CoverageGrid
    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.sightings import FrameSightings, GroundView

MOST_VIEWS = 1000
_LEAST_STEP = 0.1  # of the footprint's shorter side, between two views of a camera that count
_CELLS_ACROSS = 40  # of the footprint's shorter side: finer cells cost time and show no more
_MOST_CELLS = 250_000


class LiveCoverage:
    """Collects the views of all cameras, and makes the grid again when there is something new.

    Of a video neighbouring frames show the same: a view counts once its footprint has moved by a
    tenth of its side. Of more than 1000 views every other one is left out, and the next ones
    have to be twice as far apart. The grid is made at most every `period_s`, and more rarely where
    that would take more than `most_share` of the time.
    """

    def __init__(
        self,
        goal: CoverageGoal | None = None,
        *,
        period_s: float = 5.0,
        most_share: float = 0.02,
    ) -> None:
        self.goal = goal or CoverageGoal()
        self.left_out = 0
        """How many views were left out because there were more than 1000."""
        self._period_s = period_s
        self._most_share = most_share
        self._views: list[FrameSightings] = []
        self._last: dict[str, tuple[npt.NDArray[np.float64], float]] = {}
        self._step = _LEAST_STEP
        self._is_new = False
        self._next_s = 0.0

    def add(self, sightings: FrameSightings) -> None:
        """Add a frame; one without a place or with the horizon in view covers nothing."""
        ground = sightings.ground
        if ground is None or not len(ground.outline_en):
            return
        middle, side = _footprint(ground)
        last = self._last.get(sightings.frame.topic)
        if last is not None:
            moved = float(np.abs(middle - last[0]).max())
            if moved < self._step * min(side, last[1]):
                return
        self._last[sightings.frame.topic] = middle, side
        self._views.append(_without_detections(sightings, ground))
        self._is_new = True
        if len(self._views) > MOST_VIEWS:
            self.left_out += len(self._views) // 2
            self._views = self._views[::2]
            self._step *= 2

    def grid(self, curves: CurveTable, *, now_s: float | None = None) -> CoverageGrid | None:
        """Return the grid of all views where it is due and there is a new view, else None."""
        now_s = time.monotonic() if now_s is None else now_s
        if not self._is_new or now_s < self._next_s:
            return None
        began_s = time.perf_counter()
        coverage = Coverage()
        for view in self._views:
            coverage.add(view)
        grid = coverage.grid(curves, replace(self.goal, cell_m=self._cell_m(coverage)))
        took_s = time.perf_counter() - began_s
        self._is_new = False
        self._next_s = now_s + max(self._period_s, took_s / self._most_share)
        return grid

    def _cell_m(self, coverage: Coverage) -> float:
        footprint = min(coverage.footprint_wh_m) / _CELLS_ACROSS
        outlines = [view.ground.outline_en for view in self._views if view.ground is not None]
        area = float(np.prod(np.ptp(np.concatenate(outlines), axis=0)))
        return max(self.goal.cell_m, footprint, math.sqrt(area / _MOST_CELLS))


def _footprint(ground: GroundView) -> tuple[npt.NDArray[np.float64], float]:
    """Return what tells one footprint from another: middle (2,) and camera (2,), and its side."""
    middle = np.concatenate([ground.outline_en.mean(axis=0), ground.camera_en])
    return middle, float(np.ptp(ground.outline_en, axis=0).min())


def _without_detections(sightings: FrameSightings, ground: GroundView) -> FrameSightings:
    """Return the view alone, so that a thousand of them take little memory."""
    none = slice(0, 0)
    view = replace(
        ground,
        positions_en=ground.positions_en[none].copy(),
        slopes=ground.slopes[none].copy(),
        own_covariance=ground.own_covariance[none].copy(),
        turn_jacobians=ground.turn_jacobians[none].copy(),
        sides_m=ground.sides_m[none].copy(),
        half_extent_en=ground.half_extent_en[none].copy(),
        areas_m2=ground.areas_m2[none].copy(),
        metres_per_pixel=ground.metres_per_pixel[none].copy(),
        cut=ground.cut[none].copy(),
    )
    return replace(
        sightings,
        boxes_xyxy=sightings.boxes_xyxy[none].copy(),
        class_ids=sightings.class_ids[none].copy(),
        confidences=sightings.confidences[none].copy(),
        track_ids=sightings.track_ids[none].copy(),
        ground=view,
    )
