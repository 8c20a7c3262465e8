# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.vision.detections import Detections
from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks


def three() -> Detections:
    boxes = np.array([[0, 0, 10, 10], [5, 5, 20, 30], [1, 2, 3, 4]])
    geometry = Letterbox.fit((64, 64), image_size=64)
    masks = InstanceMasks(
        logits=np.zeros((3, 16, 16), np.float32),
        boxes_xyxy=boxes.astype(np.float32),
        geometry=geometry,
    )
    return Detections(
        boxes_xyxy=boxes,
        scores=np.array([0.9, 0.5, 0.3]),
        class_ids=np.array([1, 0, 1]),
        masks=masks,
    )


def test_nothing_found_is_empty_and_typed():
    empty = Detections.empty()
    assert len(empty) == 0
    assert empty.boxes_xyxy.shape == (0, 4)
    assert empty.boxes_xyxy.dtype == empty.scores.dtype == np.float32
    assert empty.class_ids.dtype == np.int32
    assert list(empty.rows()) == []
    assert empty.counts(('a', 'b')) == {}
    assert len(empty[np.zeros(0, bool)]) == 0


def test_arrays_are_read_only_copies():
    boxes = np.zeros((1, 4), np.float32)
    found = Detections(boxes_xyxy=boxes, scores=np.ones(1), class_ids=np.zeros(1))
    boxes[0, 0] = 7
    assert found.boxes_xyxy[0, 0] == 0
    for array in (found.boxes_xyxy, found.scores, found.class_ids):
        with pytest.raises(ValueError, match='read-only'):
            array[0] = 1


@pytest.mark.parametrize(
    'index',
    [np.array([True, False, True]), np.array([0, 2]), slice(0, 3, 2)],
    ids=['mask', 'positions', 'slice'],
)
def test_indexing_takes_boxes_scores_classes_and_masks_alike(index):
    found = three()[index]
    assert found.scores.tolist() == pytest.approx([0.9, 0.3])
    assert found.boxes_xyxy[1].tolist() == [1, 2, 3, 4]
    assert found.class_ids.tolist() == [1, 1]
    assert found.masks is not None
    assert found.masks.boxes_xyxy.tolist() == found.boxes_xyxy.tolist()


def test_counts_name_only_the_classes_found():
    assert three().counts(('drain', 'crack', 'rust')) == {'drain': 1, 'crack': 2}


@pytest.mark.parametrize(
    ('boxes', 'scores', 'class_ids'),
    [
        (np.zeros((2, 4)), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 5)), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 4)), np.zeros(1), np.zeros(2)),
        (np.full((1, 4), np.nan), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 4)), np.full(1, np.inf), np.zeros(1)),
        (np.zeros((1, 4)), np.zeros(1), np.full(1, -1)),
    ],
    ids=['too few scores', 'five columns', 'too many classes', 'NaN', 'infinite', 'negative id'],
)
def test_arrays_that_do_not_fit_are_refused(boxes, scores, class_ids):
    with pytest.raises(VisionError):
        Detections(boxes_xyxy=boxes, scores=scores, class_ids=class_ids)


def test_masks_of_another_number_are_refused():
    masks = three().masks
    with pytest.raises(VisionError, match='3 masks for 1 boxes'):
        Detections(
            boxes_xyxy=np.zeros((1, 4)), scores=np.zeros(1), class_ids=np.zeros(1), masks=masks
        )
