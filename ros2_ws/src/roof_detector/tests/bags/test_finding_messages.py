# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from roof_detector.bags.errors import BagError
from roof_detector.bags.finding_messages import (
    DETECTIONS,
    LABELS,
    candidates_bytes,
    detections_bytes,
    label_names,
    labels_bytes,
    read_candidates,
    read_detections,
)
from roof_detector.bags.typestore import shared_typestore
from roof_detector.vision.candidates import Candidates
from roof_detector.vision.detections import Detections

NAMES = ('drain', 'crack')
NUMBERS = st.floats(-1e4, 1e4, width=32)


def read(data, type_name=DETECTIONS):
    return shared_typestore().deserialize_cdr(data, type_name)


def test_nothing_found_is_an_empty_array_under_the_frames_header():
    data = detections_bytes(Detections.empty(), names=NAMES, stamp_ns=1_500_000_001, frame_id='c')
    message = read(data)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_001)
    assert message.header.frame_id == 'c' and len(message.detections) == 0
    assert len(read_detections(message, names=NAMES)) == 0


def test_detections_come_back_within_a_rounding_of_their_numbers():
    found = Detections(
        boxes_xyxy=np.array([[1.25, 2.5, 30.1, 40.7], [0, 0, 5, 5]]),
        scores=np.array([0.9, 0.3]),
        class_ids=np.array([1, 0]),
    )
    message = read(detections_bytes(found, names=NAMES, stamp_ns=5, frame_id='c'))
    assert message.detections[0].results[0].hypothesis.class_id == 'crack'
    assert message.detections[0].results[0].pose.pose.orientation.w == 1.0
    assert message.detections[1].header == message.header
    back = read_detections(message, names=NAMES)
    np.testing.assert_allclose(back.boxes_xyxy, found.boxes_xyxy, atol=1e-5)
    assert back.scores.tolist() == found.scores.tolist()
    assert back.class_ids.tolist() == [1, 0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 5).flatmap(lambda n: arrays.arrays(np.float32, (n, 5), elements=NUMBERS)))
def test_candidates_come_back_bit_by_bit(rows):
    candidates = Candidates(
        boxes_cxcywh=rows[:, :4],
        scores=rows[:, 4],
        class_ids=np.arange(len(rows), dtype=np.int32) % 2,
        coefficients=np.zeros((len(rows), 0)),
    )
    data = candidates_bytes(candidates, names=NAMES, stamp_ns=7, frame_id='')
    back = read_candidates(read(data), names=NAMES)
    assert back.boxes_cxcywh.tobytes() == np.ascontiguousarray(rows[:, :4]).tobytes()
    assert back.scores.tobytes() == np.ascontiguousarray(rows[:, 4]).tobytes()
    assert back.class_ids.tolist() == candidates.class_ids.tolist()


def test_labels_come_back_in_order_and_a_gap_is_refused():
    message = read(labels_bytes(NAMES, threshold=0.25, stamp_ns=0), LABELS)
    assert label_names(message) == NAMES
    message.class_map[0].class_id = 5
    with pytest.raises(BagError, match='number their classes 1, 5'):
        label_names(message)


def test_a_detection_of_an_unknown_class_is_refused_with_its_name():
    found = Detections(boxes_xyxy=np.zeros((1, 4)), scores=np.ones(1), class_ids=np.zeros(1))
    message = read(detections_bytes(found, names=NAMES, stamp_ns=0, frame_id=''))
    with pytest.raises(BagError, match="called 'drain', but the labels are"):
        read_detections(message, names=('rust',))
