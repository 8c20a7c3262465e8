# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roof_detector.vision.errors import VisionError
from roof_detector.vision.tiles import TileGrid, Tiling

SIDES = st.integers(1, 3000)


@pytest.mark.parametrize('source_wh', [(1, 1), (640, 480), (640, 640)])
def test_a_frame_that_fits_into_a_tile_has_none(source_wh):
    assert len(TileGrid.fit(source_wh, tile_wh=(640, 640), overlap=0.2)) == 0


def test_tiles_go_row_by_row_and_the_last_ones_are_moved_back_into_the_frame():
    grid = TileGrid.fit((1300, 700), tile_wh=(640, 640), overlap=0.2)
    assert grid.corners_xy == (
        *((0, 0), (512, 0), (660, 0)),
        *((0, 60), (512, 60), (660, 60)),
    )
    assert grid.tile_xyxy(5).tolist() == [660, 60, 1300, 700]


def test_a_tile_is_no_larger_than_the_frame():
    grid = TileGrid.fit((2000, 300), tile_wh=(640, 640), overlap=0.2)
    assert grid.tile_wh == (640, 300)
    assert {y for _, y in grid.corners_xy} == {0}


@given(st.tuples(SIDES, SIDES), st.integers(300, 900), st.floats(0, 0.5))
def test_tiles_cover_the_frame_stay_inside_and_overlap_enough(source_wh, size, overlap):
    grid = TileGrid.fit(source_wh, tile_wh=(size, size), overlap=overlap)
    for axis, side in enumerate(source_wh):
        tile = grid.tile_wh[axis]
        starts = sorted({corner[axis] for corner in grid.corners_xy}) or [0]
        if not len(grid):
            assert side <= size
        assert starts[0] == 0 and starts[-1] + tile == side
        steps = np.diff(starts)
        assert (steps > 0).all() and (tile - steps >= tile * overlap).all()


def test_a_crop_is_a_view_of_the_frame_and_of_no_other_size():
    image = np.zeros((700, 1300, 3), np.uint8)
    grid = TileGrid.fit((1300, 700), tile_wh=(640, 640), overlap=0.2)
    crop = grid.crop(image, 4)
    assert crop.shape == (640, 640, 3) and np.shares_memory(crop, image)
    image[60, 512] = 7
    assert crop[0, 0].tolist() == [7, 7, 7]
    with pytest.raises(VisionError, match='650x350 pixels, expected 1300x700'):
        grid.crop(image[::2, ::2], 0)


def test_tiles_take_the_size_of_the_input_unless_told_otherwise():
    assert Tiling().grid((1300, 700), input_wh=(640, 384)).tile_wh == (640, 384)
    assert Tiling(size=500).grid((1300, 700), input_wh=(640, 384)).tile_wh == (500, 500)


@pytest.mark.parametrize('wrong', [{'size': -1}, {'overlap': 0.6}, {'overlap': float('nan')}])
def test_a_size_or_overlap_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(VisionError, match=f'tile_{next(iter(wrong))} is .*, expected'):
        Tiling(**wrong)
