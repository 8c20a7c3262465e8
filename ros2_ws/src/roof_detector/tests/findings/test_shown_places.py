# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What frames enclose at each place: a wrong position or a second roof is a place of its own."""

from __future__ import annotations

import pytest
import shapely

from roof_detector.findings.shown_places import hulls_of_places


def frames(*easts_m):
    return [shapely.box(east, 0, east + 20, 10) for east in easts_m]


def test_frames_of_one_roof_have_one_hull_with_the_gap_between_them():
    (hull,) = hulls_of_places(frames(0, 15, 300))
    assert hull.bounds == (0, 0, 320, 10)
    assert hull.area == pytest.approx(3200)


def test_a_frame_of_elsewhere_is_a_place_of_its_own_after_that_of_most_frames():
    first, second = hulls_of_places(frames(5_000, 0, 15))
    assert first.bounds == (0, 0, 35, 10)
    assert second.bounds == (5_000, 0, 5_020, 10)


def test_no_frames_are_no_place():
    assert hulls_of_places([]) == []
    assert hulls_of_places([shapely.Polygon()]) == []
