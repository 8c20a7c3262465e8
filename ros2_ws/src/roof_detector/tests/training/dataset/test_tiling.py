# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.dataset import DatasetError
from training.dataset.instance import Instance, area
from training.dataset.tiling import DatasetTiling, clip_polygon, cut

SIDES = st.integers(1, 2500)


@given(SIDES, SIDES, st.integers(32, 700), st.floats(0, 0.9), st.integers(0, 500))
@settings(deadline=None, max_examples=80)
def test_tiles_cover_a_region_stay_inside_and_overlap_as_asked(width, height, size, overlap, left):
    windows = list(DatasetTiling(size, overlap).windows((left, 7, left + width, 7 + height)))
    columns = sorted({(window[0], window[2]) for window in windows})
    rows = sorted({(window[1], window[3]) for window in windows})
    assert len(windows) == len(columns) * len(rows)
    for spans, first, length in ((columns, left, width), (rows, 7, height)):
        assert spans[0][0] == first and spans[-1][1] == first + length
        assert all(end - start == min(size, length) for start, end in spans)
        for (_, end), (start, _) in itertools.pairwise(spans):
            assert end - start >= size * overlap - 1


@pytest.mark.parametrize(
    'options', [{'size_px': 8}, {'overlap': 0.95}, {'overlap': -0.1}, {'least_visible': 0}]
)
def test_a_tiling_that_makes_no_sense_is_refused(options):
    with pytest.raises(DatasetError):
        DatasetTiling(**{'size_px': 640, **options})


def test_nothing_is_cut_from_nothing():
    assert cut((), (0, 0, 10, 10), size_wh=(20, 20), least_visible=0.5) == ()


@pytest.mark.parametrize(('visible', 'kept'), [(0.49, 1), (0.51, 0)])
@pytest.mark.parametrize('outlined', [False, True])
def test_a_cut_thing_is_kept_when_enough_of_it_shows(visible, kept, outlined):
    outline = np.array([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]])
    thing = (
        Instance.of_polygons(1, (outline,))
        if outlined
        else Instance.of_box(1, np.array([0.4, 0.4, 0.6, 0.6]))
    )
    # The window's left edge runs through the middle of the object.
    found = cut((thing,), (50, 0, 100, 100), size_wh=(100, 100), least_visible=visible)
    assert len(found) == kept
    for one in found:
        assert one.class_id == 1
        np.testing.assert_allclose(one.box_xyxy, [0, 0.4, 0.2, 0.6], atol=1e-12)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=3, max_size=3),
    st.integers(0, 100),
    st.integers(0, 100),
)
@settings(deadline=None, max_examples=80)
def test_the_parts_of_an_outline_in_four_quarters_have_its_area_and_stay_inside(points, x, y):
    polygon = np.array(points, dtype=np.float64)
    quarters = [(0, 0, x, y), (x, 0, 100, y), (0, y, x, 100), (x, y, 100, 100)]
    total = 0.0
    for window in quarters:
        part = clip_polygon(polygon, window)
        if len(part) >= 3:
            total += area(part)
            assert (part >= np.array(window[:2]) - 1e-9).all()
            assert (part <= np.array(window[2:]) + 1e-9).all()
    assert total == pytest.approx(area(polygon), abs=1e-6)


def test_a_concave_outline_cut_in_two_parts_keeps_the_area_of_both():
    # A U whose arms alone reach into the window.
    polygon = np.array([[0, 0], [10, 0], [10, 30], [20, 30], [20, 0], [30, 0], [30, 40], [0, 40]])
    part = clip_polygon(polygon.astype(np.float64), (0, 0, 40, 20))
    assert area(part) == pytest.approx(2 * 10 * 20)
