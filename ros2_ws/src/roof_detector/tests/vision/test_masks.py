# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks


def masks_of(boxes, *, source_wh=(1280, 720), seed=0) -> InstanceMasks:
    geometry = Letterbox.fit(source_wh)
    width, height = geometry.input_wh
    coarse = np.random.default_rng(seed).normal(size=(len(boxes), height // 32, width // 32))
    logits = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2).astype(np.float32)
    return InstanceMasks(
        logits=logits, boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4), geometry=geometry
    )


def enlarged_by_torch(masks: InstanceMasks, position: int) -> np.ndarray:
    """Enlarge to the input, cut off the bars, enlarge to the source: what ultralytics does."""
    (left, top), (w, h) = masks.geometry.pad_xy, masks.geometry.resized_wh
    logits = torch.from_numpy(masks.logits[position])[None, None]
    width, height = masks.geometry.input_wh
    grow = torch.nn.functional.interpolate
    at_input = grow(logits, (height, width), mode='bilinear')[..., top : top + h, left : left + w]
    source_w, source_h = masks.geometry.source_wh
    return grow(at_input, (source_h, source_w), mode='bilinear')[0, 0].numpy()


def test_no_instances_give_an_index_image_of_zeros():
    masks = masks_of([])
    assert len(masks) == 0
    image = masks.index_image()
    assert image.shape == (720, 1280)
    assert image.dtype == np.uint16
    assert not image.any()
    assert list(masks.windows()) == []


@pytest.mark.parametrize('source_wh', [(1280, 720), (720, 1280), (517, 333), (640, 640)])
def test_masks_grow_as_in_ultralytics(source_wh):
    box = [20, 30, source_wh[0] - 25, source_wh[1] - 35]
    masks = masks_of([box], source_wh=source_wh)
    mask = masks.full(0)
    expected = enlarged_by_torch(masks, 0) > 0
    inside = np.zeros_like(mask)
    inside[box[1] : box[3], box[0] : box[2]] = True
    assert not mask[~inside].any()
    assert np.mean(mask[inside] != expected[inside]) < 0.005


@given(st.lists(st.floats(-50, 1400, width=32), min_size=4, max_size=4), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_a_mask_lies_within_its_box_and_the_image(corners, seed):
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    mask = masks_of([[x1, y1, x2, y2]], seed=seed).full(0)
    rows, columns = np.nonzero(mask)
    assert ((columns >= x1) & (columns < x2) & (rows >= y1) & (rows < y2)).all()


def test_the_earlier_instance_is_on_top():
    masks = masks_of([[100, 100, 300, 300], [200, 200, 400, 400]])
    masks = InstanceMasks(
        logits=np.ones_like(masks.logits), boxes_xyxy=masks.boxes_xyxy, geometry=masks.geometry
    )
    image = masks.index_image()
    assert image[150, 150] == image[250, 250] == 1
    assert image[350, 350] == 2
    assert image[50, 50] == 0
    assert (image > 0).sum() == 2 * 200**2 - 100**2


def test_an_index_image_agrees_with_the_full_masks():
    masks = masks_of([[10, 20, 300, 300], [200, 100, 900, 700]])
    image = masks.index_image()
    assert np.array_equal(image > 0, masks.full(0) | masks.full(1))
    assert np.array_equal(image == 1, masks.full(0))


def test_masks_come_in_a_smaller_size_on_request():
    masks = masks_of([[100, 100, 1100, 700]])
    small = masks.full(0, size_wh=(320, 180))
    assert small.shape == (180, 320)
    assert np.mean(small != masks.full(0)[2::4, 2::4]) < 0.02


@pytest.mark.parametrize('source_wh', [(1920, 1080), (1366, 768), (333, 517)])
def test_an_edge_lies_where_the_logits_cross_zero(source_wh):
    geometry = Letterbox.fit(source_wh)
    width, height = geometry.input_wh
    middle = source_wh[0] / 3 + 0.3
    # Logits that rise by 1 for each source pixel to the right, and are 0 at `middle`.
    columns = (np.arange(width // 4) + 0.5) * 4
    row = (columns - geometry.pad_xy[0]) / geometry.scale_xy[0] - middle
    logits = np.broadcast_to(row, (1, height // 4, width // 4)).astype(np.float32)
    box = np.array([[0, 0, *source_wh]], np.float32)
    mask = InstanceMasks(logits=logits, boxes_xyxy=box, geometry=geometry).full(0)
    assert np.array_equal(mask.any(axis=0), np.arange(source_wh[0]) + 0.5 > middle)


def test_indexing_keeps_logits_with_their_boxes():
    masks = masks_of([[0, 0, 10, 10], [50, 50, 90, 90]])
    second = masks[np.array([False, True])]
    assert len(second) == 1
    assert np.array_equal(second.full(0), masks.full(1))


def test_more_instances_than_16_bits_hold_are_refused():
    few = masks_of([[0, 0, 9, 9]])
    many = InstanceMasks(
        logits=np.broadcast_to(few.logits[0, :1, :1], (65536, 1, 1)),
        boxes_xyxy=np.zeros((65536, 4), np.float32),
        geometry=few.geometry,
    )
    with pytest.raises(VisionError, match='lower max_detections'):
        many.index_image()


def test_boxes_that_do_not_fit_the_logits_are_refused():
    masks = masks_of([[0, 0, 10, 10]])
    with pytest.raises(VisionError, match='beside boxes'):
        InstanceMasks(
            logits=masks.logits, boxes_xyxy=np.zeros((2, 4), np.float32), geometry=masks.geometry
        )
