# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.bags.errors import BagError
from roof_detector.bags.mask_messages import MASKS, masks_bytes, read_masks
from roof_detector.bags.typestore import shared_typestore
from roof_detector.vision.detections import Detections
from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks
from roof_detector.vision.recorded_masks import MaskCrop, RecordedMasks
from roof_detector.vision.run_lengths import coco_run_lengths, mask_of_run_lengths

SIZE_WH = (90, 60)


def detected(seed=1, *, count=5):
    """Return detections with masks of blobs, as a network gives them."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40, (count, 2))
    boxes = np.column_stack([corners, corners + rng.uniform(0, 45, (count, 2))])
    boxes = np.minimum(boxes, np.array(SIZE_WH * 2)).astype(np.float32)
    logits = rng.normal(0, 1, (count, 16, 16)).astype(np.float32)
    masks = InstanceMasks(
        logits=logits, boxes_xyxy=boxes, geometry=Letterbox.fit(SIZE_WH, image_size=(64, 64))
    )
    return Detections(
        boxes_xyxy=boxes,
        scores=np.linspace(0.9, 0.5, count),
        class_ids=np.zeros(count),
        masks=masks,
    )


def recorded(found):
    message = shared_typestore().deserialize_cdr(masks_bytes(found), MASKS)
    return read_masks(message, found, size_wh=SIZE_WH)


def test_no_detections_have_no_masks_and_those_of_a_network_without_are_not_written():
    assert len(recorded(Detections.empty())) == 0
    boxes = np.array([[0, 0, 5, 5]], np.float32)
    assert masks_bytes(Detections(boxes_xyxy=boxes, scores=[0.5], class_ids=[0])) == b''


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_run_lengths_give_back_every_mask(width, height, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < rng.choice([0.0, 0.02, 0.5, 1.0])
    whole = slice(0, height), slice(0, width)
    counts = coco_run_lengths(whole, mask, size_wh=(width, height))['counts']
    np.testing.assert_array_equal(mask_of_run_lengths(counts, size_wh=(width, height)), mask)


@pytest.mark.parametrize('seed', range(4))
def test_recorded_masks_are_those_of_the_network_bit_for_bit(seed):
    found = detected(seed)
    back = recorded(found)
    assert back.source_wh == SIZE_WH
    for before, after in zip(found.masks.windows(), back.windows(), strict=True):
        assert before[0] == after[0]
        np.testing.assert_array_equal(before[1], after[1])
    np.testing.assert_array_equal(back.index_image(), found.masks.index_image())
    np.testing.assert_array_equal(back[1:3].full(0), found.masks.full(1))


def test_masks_are_drawn_at_another_size():
    found = detected()
    double = recorded(found).full(0, size_wh=(180, 120))
    np.testing.assert_array_equal(double[::2, ::2], found.masks.full(0))


def test_masks_of_a_tile_lie_in_its_image():
    found = detected()
    boxes = found.boxes_xyxy + np.array([100, 200] * 2, np.float32)
    placed = recorded(found).placed(boxes, origin_xy=(100, 200), image_wh=(300, 400))
    np.testing.assert_array_equal(placed.full(2)[200:260, 100:190], found.masks.full(2))


@pytest.mark.parametrize(
    ('crop', 'reason'),
    [
        (MaskCrop((80, 0), (20, 20), '`:'), 'not inside'),
        (MaskCrop((-1, 0), (2, 2), '4'), 'not inside'),
        (MaskCrop((0, 0), (2, 2), '5'), 'cover 5 pixels'),
        (MaskCrop((0, 0), (2, 2), 'é'), 'no run-length'),
        (MaskCrop((0, 0), (2, 2), 'o' * 30), 'no run-length'),
        (MaskCrop((0, 0), (2, 2), 'o' * 30 + '1'), 'too many digits'),
        (MaskCrop((0, 0), (2, 2), ''), 'cover 0 pixels'),
    ],
)
def test_a_crop_that_is_none_of_the_image_is_refused(crop, reason):
    with pytest.raises(VisionError, match=reason):
        crop.check(SIZE_WH)


@pytest.mark.parametrize('text', ['', '{}', '[1]', '[{"x":0}]', '[]', '[{"x":0,"y":0,"size":3}]'])
def test_a_damaged_message_is_refused(text):
    message = shared_typestore().types[MASKS](data=text)
    with pytest.raises(BagError, match='masks of 5 detections'):
        read_masks(message, detected(), size_wh=SIZE_WH)


def test_masks_and_boxes_are_of_equal_number():
    with pytest.raises(VisionError, match='1 masks for boxes'):
        RecordedMasks(
            crops=(MaskCrop((0, 0), (1, 1), '01'),),
            boxes_xyxy=np.zeros((2, 4), np.float32),
            image_wh=SIZE_WH,
        )
