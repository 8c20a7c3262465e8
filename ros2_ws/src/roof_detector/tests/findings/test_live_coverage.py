# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.findings import live_coverage
from roof_detector.findings.coverage import Coverage, CoverageGoal
from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.live_coverage import LiveCoverage

CURVES = DetectionCurves.shipped().of(('equip',))


def views(roof, places):
    return [roof([(0, 0)]).sightings(place, index)[0] for index, place in enumerate(places)]


def test_without_views_there_is_no_grid(roof):
    assert LiveCoverage().grid(CURVES, now_s=0.0) is None


def test_distant_views_give_the_grid_that_a_recording_gives(roof):
    frames = views(roof, [(0, 0), (4, 0), (8, 0), (8, 5)])
    live, recorded = LiveCoverage(), Coverage()
    for frame in frames:
        live.add(frame)
        recorded.add(frame)
    grid, whole = live.grid(CURVES, now_s=0.0), recorded.grid(CURVES, CoverageGoal())
    assert grid.cell_m == whole.cell_m
    np.testing.assert_array_equal(grid.views, whole.views)
    np.testing.assert_array_equal(grid.detected, whole.detected)


def test_a_hovering_camera_counts_once(roof):
    live = LiveCoverage()
    for frame in views(roof, [(0.01 * step, 0) for step in range(30)]):
        live.add(frame)
    assert live.grid(CURVES, now_s=0.0).views.max() == 1


def test_a_view_from_elsewhere_counts_although_it_shows_the_same(roof):
    live = LiveCoverage()
    first, second = views(roof, [(0, 0), (0, 0)])
    live.add(first)
    object.__setattr__(second.ground, 'camera_en', second.ground.camera_en + 3.0)
    live.add(second)
    assert live.grid(CURVES, now_s=0.0).views.max() == 2


def test_the_grid_is_made_when_there_is_something_new_and_no_more_often_than_allowed(roof):
    frames = views(roof, [(0, 0), (5, 0), (10, 0)])
    live = LiveCoverage(period_s=5.0)
    live.add(frames[0])
    assert live.grid(CURVES, now_s=100.0) is not None
    assert live.grid(CURVES, now_s=200.0) is None
    live.add(frames[1])
    assert live.grid(CURVES, now_s=104.0) is None
    assert live.grid(CURVES, now_s=300.0) is not None


def test_a_long_flight_stays_bounded_and_says_what_was_left_out(roof, monkeypatch):
    monkeypatch.setattr(live_coverage, 'MOST_VIEWS', 20)
    live = LiveCoverage()
    places = [(1.0 * step, 0.0) for step in range(120)]
    for frame in views(roof, places):
        live.add(frame)
    assert live.left_out > 0
    grid = live.grid(CURVES, now_s=0.0)
    assert 0 < grid.views.max() <= 20
    # The whole way is still covered, by views that are further apart.
    along = grid.corner_en[0] + grid.cell_m * np.flatnonzero(grid.views.any(axis=0))
    assert along.max() - along.min() == pytest.approx(119 + 15, abs=5)
    assert (np.diff(np.flatnonzero(grid.views.any(axis=0))) == 1).all()


def test_cells_grow_with_the_footprint(roof):
    high = type('High', (roof,), {'HEIGHT_M': 120.0})
    live = LiveCoverage()
    live.add(high([]).sightings((0, 0), 0)[0])
    grid = live.grid(CURVES, now_s=0.0)
    assert grid.views.size < 5000 and grid.cell_m > 1.0
