# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.inference.tiled import MAX_BATCH, infer_tiles
from roof_detector.vision.seams import is_cut
from roof_detector.vision.thresholds import Thresholds
from roof_detector.vision.tiles import Tiling

# Nothing is suppressed, so that all that the network finds can be found again.
THRESHOLDS = Thresholds(confidence=0.4, iou=1.0, max_detections=3000)


@pytest.fixture(scope='module', params=['detect', 'segment'])
def detector(request):
    with Detector.open(request.getfixturevalue(f'{request.param}_pt'), device='cpu') as detector:
        yield detector


@pytest.fixture(scope='module')
def nothing(detector, roof_bgr):
    return detector.detect(roof_bgr, THRESHOLDS)[:0]


def looked(detector, image_bgr, whole, *, tiling, positions=None):
    grid = tiling.grid((image_bgr.shape[1], image_bgr.shape[0]), input_wh=detector.image_size)
    positions = range(len(grid)) if positions is None else positions
    found = infer_tiles(detector, image_bgr, whole, THRESHOLDS, grid=grid, positions=positions)
    return grid, found


def uncut(detector, image_bgr, grid, position):
    """Return what is found in a tile alone and ends inside it, in pixels of the frame."""
    x, y = grid.corners_xy[position]
    alone = detector.detect(grid.crop(image_bgr, position), THRESHOLDS)
    boxes = alone.boxes_xyxy + np.array((x, y, x, y), np.float32)
    window = np.tile(grid.tile_xyxy(position), (len(boxes), 1))
    inside = ~is_cut(boxes, window, source_wh=grid.source_wh)
    return boxes[inside], alone[inside]


def test_without_tiles_the_frame_seen_whole_is_all_there_is(detector, roof_bgr):
    whole = detector.detect(roof_bgr, THRESHOLDS)
    _, found = looked(detector, roof_bgr, whole, tiling=Tiling(), positions=())
    assert found is whole


def test_a_tile_adds_what_the_network_sees_of_it_alone_where_it_lies(detector, roof_bgr, nothing):
    grid, found = looked(detector, roof_bgr, nothing, tiling=Tiling(), positions=(5,))
    x, y = grid.corners_xy[5]
    boxes, alone = uncut(detector, roof_bgr, grid, 5)
    assert len(boxes) > 3
    for position, box in enumerate(boxes):
        match = int(np.abs(found.boxes_xyxy - box).max(axis=1).argmin())
        assert np.array_equal(found.boxes_xyxy[match], box)
        assert found.scores[match] == alone.scores[position]
        if alone.masks is not None:
            full = found.masks.full(match)
            in_tile = full[y : y + grid.tile_wh[1], x : x + grid.tile_wh[0]]
            assert np.array_equal(in_tile, alone.masks.full(position))
            assert full.sum() == in_tile.sum()


def test_more_tiles_than_a_batch_holds_are_all_looked_at(detector, roof_bgr, nothing):
    grid, together = looked(detector, roof_bgr, nothing, tiling=Tiling())
    assert len(grid) > MAX_BATCH
    assert (np.diff(together.scores) <= 0).all()
    per_tile = [uncut(detector, roof_bgr, grid, position)[0] for position in range(len(grid))]
    assert sum(len(boxes) > 0 for boxes in per_tile) > MAX_BATCH
    for boxes in per_tile:
        for box in boxes:
            assert np.abs(together.boxes_xyxy - box).max(axis=1).min() < 0.05
