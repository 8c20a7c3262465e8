# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roof_detector.vision.errors import VisionError
from roof_detector.vision.matching import MatchCounts, assign, pairwise_iou

NONE = np.zeros((0, 4))


def test_no_boxes_give_no_ratios():
    score = MatchCounts()
    score.add(predicted_xyxy=NONE, predicted_names=[], target_xyxy=NONE, target_names=[])
    assert score.precision is None
    assert score.recall is None
    assert pairwise_iou(NONE, NONE).shape == (0, 0)


@pytest.mark.parametrize('shape', [(0, 0), (3, 0), (0, 3)])
def test_nothing_is_assigned_where_one_side_is_empty(shape):
    assert assign(np.zeros(shape), least_iou=0.5).tolist() == [-1] * shape[0]


def test_the_surest_takes_the_best_and_the_next_what_is_left():
    overlap = np.array([[0.6, 0.9], [0.55, 0.8], [0.4, 0.95]])
    assert assign(overlap, least_iou=0.5).tolist() == [1, 0, -1]


def test_a_second_choice_is_taken_only_where_nothing_else_is_left():
    overlap = np.array([[0.6, 0.9], [0.7, 0.8], [0.9, 0.9]])
    second_choice = np.array([False, True])
    taken = assign(overlap, least_iou=0.5, second_choice=second_choice)
    assert taken.tolist() == [0, 1, -1]


def test_a_box_of_another_class_is_wrong_and_leaves_the_true_one_missed():
    box = np.array([[0, 0, 10, 10]])
    score = MatchCounts()
    score.add(
        predicted_xyxy=box, predicted_names=['rust'], target_xyxy=box, target_names=['drain']
    )
    assert (score.right, score.wrong, score.missed) == ({}, {'rust': 1}, {'drain': 1})


def test_the_second_box_on_one_thing_is_wrong():
    box = np.array([[0, 0, 10, 10]])
    score = MatchCounts()
    score.add(
        predicted_xyxy=np.repeat(box, 2, axis=0),
        predicted_names=['drain', 'drain'],
        target_xyxy=box,
        target_names=['drain'],
    )
    assert score.precision == 0.5
    assert score.recall == 1.0
    assert score.of_class('drain').wrong == {'drain': 1}


def test_a_name_short_is_refused():
    with pytest.raises(VisionError, match='expected a name per box'):
        MatchCounts().add(
            predicted_xyxy=np.zeros((2, 4)),
            predicted_names=['rust'],
            target_xyxy=NONE,
            target_names=[],
        )


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), max_size=8))
def test_overlap_is_symmetric_within_bounds_and_one_with_itself(corners):
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners])
    overlap = pairwise_iou(boxes, boxes)
    assert np.allclose(overlap, overlap.T)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    solid = (boxes.reshape(-1, 4)[:, 2:] - boxes.reshape(-1, 4)[:, :2]).prod(axis=1) > 0
    assert (overlap.diagonal()[solid] == 1).all()
