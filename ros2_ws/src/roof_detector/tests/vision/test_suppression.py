# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.suppression import MAX_CANDIDATES, select, suppress
from roof_detector.vision.thresholds import Thresholds

NAMES = ('equip', 'drain', 'crack')
SAME_SIZE = Letterbox.fit((640, 640))


def random_boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 200, (count, 2))
    half = random.uniform(1, 60, (count, 2))
    boxes = np.concatenate((centres - half, centres + half), 1).astype(np.float32)
    scores = random.permutation(np.linspace(0.01, 0.99, count)).astype(np.float32)
    return boxes, scores, random.integers(0, 3, count).astype(np.int32)


def overlaps(boxes: np.ndarray) -> np.ndarray:
    return torchvision.ops.box_iou(torch.from_numpy(boxes), torch.from_numpy(boxes)).numpy()


def predictions_of(boxes_xywh: list[list[float]], class_scores: list[list[float]]) -> np.ndarray:
    return np.concatenate((np.array(boxes_xywh), np.array(class_scores)), 1).T.astype(np.float32)


def pick(predictions: np.ndarray, **options):
    thresholds = Thresholds(**options).for_names(NAMES)
    return select(predictions, thresholds=thresholds, geometry=SAME_SIZE)


def test_of_no_boxes_none_is_kept():
    kept = suppress(*random_boxes(0, 0), iou=0.5, max_detections=10)
    assert kept.shape == (0,)


@given(st.integers(1, 150), st.integers(0, 10**6), st.floats(0.05, 0.95), st.booleans())
@settings(deadline=None, max_examples=60)
def test_suppression_keeps_what_torchvision_keeps(count, seed, iou, class_agnostic):
    boxes, scores, class_ids = random_boxes(count, seed)
    groups = np.zeros_like(class_ids) if class_agnostic else class_ids
    # It sets classes apart by the greatest coordinate, which parts them only from 0 on.
    expected = torchvision.ops.batched_nms(
        torch.from_numpy(boxes - boxes.min()),
        torch.from_numpy(scores),
        torch.from_numpy(groups),
        iou,
    )
    kept = suppress(
        boxes, scores, class_ids, iou=iou, max_detections=1000, class_agnostic=class_agnostic
    )
    assert kept.tolist() == expected.tolist()


@given(st.integers(1, 80), st.integers(0, 10**6), st.floats(0.05, 0.95))
@settings(deadline=None, max_examples=60)
def test_survivors_are_ordered_apart_and_survive_again(count, seed, iou):
    boxes, scores, class_ids = random_boxes(count, seed)
    kept = suppress(boxes, scores, class_ids, iou=iou, max_detections=1000)
    boxes, scores, class_ids = boxes[kept], scores[kept], class_ids[kept]
    assert (np.diff(scores) <= 0).all()
    same_class = class_ids[:, None] == class_ids
    np.fill_diagonal(same_class, val=False)
    assert (overlaps(boxes)[same_class] <= iou + 1e-6).all()
    again = suppress(boxes, scores, class_ids, iou=iou, max_detections=1000)
    assert again.tolist() == list(range(len(kept)))


def test_a_box_beyond_the_edge_meets_none_of_another_class():
    boxes = np.array([[-90, -90, 9, 9], [0, 0, 99, 99]], np.float32)
    classes = np.array([1, 0], np.int32)
    kept = suppress(boxes, np.array([0.9, 0.8]), classes, iou=0.5, max_detections=9)
    assert kept.tolist() == [0, 1]


def test_equal_scores_keep_their_order():
    boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9], [0, 0, 9, 9]], np.float32)
    kept = suppress(boxes, np.full(3, 0.5), np.zeros(3, np.int32), iou=0.5, max_detections=9)
    assert kept.tolist() == [0, 1]


def test_the_surest_are_kept_when_there_are_too_many():
    boxes, scores, class_ids = random_boxes(100, 3)
    every = suppress(boxes, scores, class_ids, iou=0.9, max_detections=1000)
    assert suppress(boxes, scores, class_ids, iou=0.9, max_detections=5).tolist() == list(
        every[:5]
    )


def test_candidates_beyond_the_limit_are_the_least_sure():
    count = MAX_CANDIDATES + 100
    x = np.arange(count, dtype=np.float32) * 2
    boxes = np.stack((x, x, x + 1, x + 1), 1)
    scores = np.linspace(0.9, 0.1, count, dtype=np.float32)
    kept = suppress(boxes, scores, np.zeros(count, np.int32), iou=0.5, max_detections=count)
    assert kept.tolist() == list(range(MAX_CANDIDATES))


def test_nothing_above_the_thresholds_gives_no_detections():
    found = pick(predictions_of([[50, 50, 20, 20]], [[0.1, 0.2, 0.0]]))
    assert len(found) == 0
    assert found.masks is None


def test_each_class_has_its_own_threshold():
    predictions = predictions_of(
        [[50, 50, 20, 20], [150, 50, 20, 20]], [[0.3, 0.1, 0.0], [0.1, 0.0, 0.3]]
    )
    found = pick(predictions, class_confidence={'crack': 0.4})
    assert found.class_ids.tolist() == [0]
    assert found.boxes_xyxy.tolist() == [[40, 40, 60, 60]]
    assert pick(
        predictions, confidence=0.9, class_confidence={'crack': 0.2}
    ).class_ids.tolist() == [2]


def test_classes_that_are_not_wanted_are_left_out():
    predictions = predictions_of(
        [[50, 50, 20, 20], [150, 50, 20, 20]], [[0.9, 0.1, 0.0], [0.0, 0.0, 0.8]]
    )
    assert pick(predictions, classes=('crack',)).class_ids.tolist() == [2]


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('row', [0, 2, 4, 5], ids=['x', 'width', 'best score', 'other score'])
def test_an_anchor_that_is_not_finite_is_dropped_alone(bad, row):
    predictions = predictions_of(
        [[50, 50, 20, 20], [150, 50, 20, 20]], [[0.9, 0.1, 0.0], [0.8, 0.0, 0.0]]
    )
    predictions[row, 0] = bad
    assert pick(predictions).boxes_xyxy.tolist() == [[140, 40, 160, 60]]


def test_a_box_of_another_class_in_the_same_place_stays_unless_agnostic():
    predictions = predictions_of(
        [[50, 50, 20, 20], [50, 50, 20, 20]], [[0.9, 0.1, 0.0], [0.0, 0.8, 0.0]]
    )
    assert len(pick(predictions)) == 2
    thresholds = Thresholds().for_names(NAMES)
    agnostic = select(predictions, thresholds=thresholds, geometry=SAME_SIZE, class_agnostic=True)
    assert agnostic.class_ids.tolist() == [0]


def test_boxes_come_in_source_pixels():
    thresholds = Thresholds().for_names(NAMES)
    predictions = predictions_of([[320, 192, 64, 36]], [[0.9, 0, 0]])
    geometry = Letterbox.fit((1280, 720))
    found = select(predictions, thresholds=thresholds, geometry=geometry)
    assert found.boxes_xyxy.tolist() == [[576, 324, 704, 396]]


def test_masks_combine_the_prototypes():
    thresholds = Thresholds().for_names(NAMES)
    prototypes = np.zeros((2, 160, 160), np.float32)
    prototypes[0, :, :80], prototypes[0, :, 80:] = 1, -1
    prototypes[1] = 1
    row = [320, 320, 100, 100, 0.9, 0, 0, 1.0, 0.0]
    found = select(
        np.array([row], np.float32).T,
        thresholds=thresholds,
        geometry=SAME_SIZE,
        prototypes=prototypes,
    )
    assert found.masks is not None
    mask = found.masks.full(0)
    assert mask[270:370, 270:316].all()
    assert not mask[:, 324:].any()
    assert not mask[:270].any()


def test_predictions_of_another_model_are_refused():
    with pytest.raises(VisionError, match=r'shape \(9, 5\), expected 7 rows'):
        pick(np.zeros((9, 5), np.float32))
