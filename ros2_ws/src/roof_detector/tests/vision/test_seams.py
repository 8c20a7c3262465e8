# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Things are cut as tiles cut them, by a perfect detector in every tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.detections import Detections
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks
from roof_detector.vision.seams import View, merge
from roof_detector.vision.tiles import TileGrid

SOURCE_WH = (1664, 1152)  # 3 x 2 tiles: their corners are at 0, 512, 1024 and 0, 512
GRID = TileGrid.fit(SOURCE_WH, tile_wh=(640, 640), overlap=0.2)
SMALL = [100, 100, 180, 160]  # inside the first tile
ON_A_SEAM = [470, 200, 600, 300]  # whole in the first tile, cut by the second one's left edge
IN_AN_OVERLAP = [530, 200, 620, 300]  # whole in two tiles
ON_A_CORNER = [530, 530, 620, 620]  # whole in four
LARGE = [300, 250, 1300, 1000]  # whole in none, seen by six


def seen(boxes, *, scores=None, class_ids=None, masks=None):
    scores = np.linspace(0.9, 0.5, len(boxes)) if scores is None else scores
    class_ids = np.zeros(len(boxes)) if class_ids is None else class_ids
    return Detections(
        boxes_xyxy=np.reshape(boxes, (-1, 4)), scores=scores, class_ids=class_ids, masks=masks
    )


def in_tile(boxes, position, *, class_ids=None, with_masks=False):
    """Return what a perfect detector sees of things in a tile, in the tile's pixels."""
    x1, y1, x2, y2 = GRID.tile_xyxy(position)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    parts = np.clip(boxes, (x1, y1, x1, y1), (x2, y2, x2, y2))
    visible = (parts[:, 2:] - parts[:, :2] >= 8).all(axis=1)
    local = parts[visible] - np.array((x1, y1, x1, y1))
    geometry = Letterbox.fit((640, 640))
    masks = InstanceMasks(
        logits=np.ones((len(local), 160, 160), np.float32), boxes_xyxy=local, geometry=geometry
    )
    ids = None if class_ids is None else np.array(class_ids)[visible]
    found = seen(local, class_ids=ids, masks=masks if with_masks else None)
    return View.of_tile(found, GRID, position)


def of_frame(boxes=(), **options):
    return View.of_frame(seen(boxes, **options), SOURCE_WH)


def merged(*views, iou=0.45, max_detections=300):
    return merge(views, source_wh=SOURCE_WH, iou=iou, max_detections=max_detections)


def through_all_tiles(boxes, *, whole=(), class_ids=None):
    tiles = [in_tile(boxes, i, class_ids=class_ids) for i in range(len(GRID))]
    return merged(of_frame(whole), *tiles)


def test_no_views_and_empty_views_give_nothing():
    assert len(merged()) == 0
    assert len(through_all_tiles([])) == 0


@pytest.mark.parametrize(
    'box',
    [SMALL, ON_A_SEAM, IN_AN_OVERLAP, ON_A_CORNER, LARGE],
    ids=['small', 'on a seam', 'in an overlap', 'on a corner', 'large'],
)
def test_a_thing_is_found_once_and_whole_wherever_it_lies(box):
    assert through_all_tiles([box]).boxes_xyxy.tolist() == [box]
    assert through_all_tiles([box], whole=[box]).boxes_xyxy.tolist() == [box]


@given(st.integers(0, 1500), st.integers(0, 1000), st.integers(20, 1600), st.integers(20, 1100))
@settings(deadline=None)
def test_one_thing_of_any_place_and_size_stays_one(x, y, width, height):
    box = [x, y, min(x + width, SOURCE_WH[0]), min(y + height, SOURCE_WH[1])]
    found = through_all_tiles([box]).boxes_xyxy
    assert len(found) == 1
    # A part of less than 8 pixels in the last tile is not seen there.
    assert np.abs(found[0] - box).max() < 8


def test_pieces_give_way_to_a_whole_box_even_of_a_lower_score():
    whole = of_frame([LARGE], scores=np.array([0.3]))
    tiles = [in_tile([LARGE], i) for i in range(len(GRID))]
    found = merged(whole, *tiles)
    assert found.boxes_xyxy.tolist() == [LARGE]
    assert found.scores.tolist() == pytest.approx([0.3])


def test_pieces_in_some_tiles_of_those_that_would_show_it_are_joined_as_far_as_they_reach():
    found = merged(of_frame(), in_tile([LARGE], 0), in_tile([LARGE], 1))
    assert found.boxes_xyxy.tolist() == [[300, 250, 1152, 640]]


def test_neighbours_of_one_class_stay_two_where_the_seam_runs_between_them():
    left, right = [380, 200, 560, 300], [590, 200, 800, 300]
    found = through_all_tiles([left, right])
    assert sorted(found.boxes_xyxy.tolist()) == [left, right]


def test_things_of_different_classes_are_never_merged():
    found = through_all_tiles([LARGE, LARGE], class_ids=[0, 1])
    assert found.boxes_xyxy.tolist() == [LARGE, LARGE]
    assert sorted(found.class_ids.tolist()) == [0, 1]


def test_a_small_thing_on_a_large_one_is_kept_beside_it():
    found = through_all_tiles([SMALL, [50, 50, 600, 600]])
    assert len(found) == 2


def test_the_best_scores_stay_when_there_are_too_many():
    boxes = [[20 * k, 10, 20 * k + 15, 30] for k in range(10)]
    found = merged(of_frame(boxes), max_detections=3)
    assert found.boxes_xyxy.tolist() == boxes[:3]


def test_masks_of_pieces_cover_the_thing_and_no_seam_is_left_open():
    tiles = [in_tile([LARGE, SMALL], i, with_masks=True) for i in range(len(GRID))]
    frame = View.of_frame(tiles[0].detections[:0], SOURCE_WH)
    found = merged(frame, *tiles)
    assert len(found) == 2
    for position, (x1, y1, x2, y2) in enumerate(found.boxes_xyxy.astype(int).tolist()):
        expected = np.zeros(SOURCE_WH[::-1], np.bool_)
        expected[y1:y2, x1:x2] = True
        assert np.array_equal(found.masks.full(position), expected)
    half = found.masks.full(0, size_wh=(832, 576))
    assert np.array_equal(half, np.asarray(found.masks.full(0))[::2, ::2])


def test_a_mask_in_a_tile_covers_what_the_same_mask_covers_in_the_frame():
    coarse = np.random.default_rng(3).normal(size=(1, 20, 20)).astype(np.float32)
    logits = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)
    box = np.array([[40, 50, 400, 500]], np.float32)
    found = seen(
        box, masks=InstanceMasks(logits=logits, boxes_xyxy=box, geometry=Letterbox.fit((640, 640)))
    )
    placed = View.of_tile(found, GRID, 4).detections
    x, y = GRID.corners_xy[4]
    assert placed.boxes_xyxy.tolist() == [[40 + x, 50 + y, 400 + x, 500 + y]]
    alone, within = found.masks.full(0), placed.masks.full(0)
    assert within.shape == SOURCE_WH[::-1]
    assert np.array_equal(within[y : y + 640, x : x + 640], alone)
    assert within.sum() == alone.sum() > 0
