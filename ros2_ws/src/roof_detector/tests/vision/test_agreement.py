# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.agreement import agree
from roof_detector.vision.detections import Detections

NAMES = ('drain', 'crack')


def detections(*rows):
    """Make detections of left, top, side and class."""
    boxes = [(x, y, x + side, y + side) for x, y, side, _ in rows]
    return Detections(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.linspace(0.9, 0.5, len(rows), dtype=np.float32),
        class_ids=np.array([row[3] for row in rows], np.int32),
    )


def agreement(first, second, *, second_names=NAMES):
    return agree(first, second, first_names=NAMES, second_names=second_names)


def test_two_empty_images_agree():
    found = agreement(Detections.empty(), Detections.empty())
    assert len(found.pairs) == 0 and found.disagreement == 0


def test_what_one_found_alone_counts_whole():
    found = agreement(detections((0, 0, 10, 0), (50, 50, 10, 1)), Detections.empty())
    assert found.only_first.tolist() == [0, 1] and found.disagreement == 2


def test_the_best_overlap_is_paired_first_whatever_the_scores_say():
    found = agreement(detections((3, 0, 10, 0), (0, 0, 10, 0)), detections((0, 0, 10, 0)))
    assert found.pairs.tolist() == [[1, 0]] and found.only_first.tolist() == [0]
    assert found.disagreement == 1.0


def test_classes_are_compared_by_name_not_by_number():
    one = detections((0, 0, 10, 0))
    assert len(agreement(one, one, second_names=('crack', 'drain')).pairs) == 0
    other = detections((0, 0, 10, 1))
    assert len(agreement(one, other, second_names=('crack', 'drain')).pairs) == 1


@settings(deadline=None, max_examples=50)
@given(
    *[
        st.lists(
            st.tuples(
                st.integers(0, 12), st.integers(0, 12), st.integers(8, 12), st.integers(0, 1)
            ),
            max_size=6,
        )
    ]
    * 2
)
def test_every_box_is_paired_once_or_stands_alone(left, right):
    first, second = detections(*left), detections(*right)
    found = agreement(first, second)
    assert sorted([*found.pairs[:, 0], *found.only_first]) == list(range(len(first)))
    assert sorted([*found.pairs[:, 1], *found.only_second]) == list(range(len(second)))
    assert (found.ious >= 0.5).all()
    expected = len(first) + len(second) - 2 * len(found.pairs) + (1 - found.ious).sum()
    assert found.disagreement == pytest.approx(expected)
    names = first.class_ids[found.pairs[:, 0]], second.class_ids[found.pairs[:, 1]]
    assert names[0].tolist() == names[1].tolist()
