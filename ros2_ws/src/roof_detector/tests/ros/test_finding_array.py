# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings on a topic: each object once, with what is known of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from some_findings import some_finding
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.finding_messages import (
    MAP_FRAME,
    FindingDetections,
    finding_id,
    findings_message,
    reported_findings,
)

HEADER = Header(stamp=Time(sec=3, nanosec=4), frame_id=MAP_FRAME)


def sent(findings, **options):
    """Return the message as it arrives at a subscriber."""
    message = findings_message(findings, header=HEADER, **options)
    return deserialize_message(serialize_message(message), Detection3DArray)


def test_no_findings_are_a_message_without_detections():
    assert sent([]) == Detection3DArray(header=HEADER)


def test_a_finding_is_one_detection_with_its_number_place_and_size():
    (found,) = sent([some_finding(12)], plane_up_m=10.0).detections
    assert found.header == HEADER
    assert found.id == '12'
    place = found.bbox.center.position
    assert (place.x, place.y, place.z) == (3.0, -4.0, 10.5)
    assert (found.bbox.size.x, found.bbox.size.y, found.bbox.size.z) == (1.2, 0.8, 0.0)
    assert found.bbox.center.orientation.w == 1.0


def test_scores_are_the_probabilities_that_it_exists_and_is_of_a_class():
    shares = {'equip': 0.2, 'drain': 0.75, 'crack': 0.05, 'hatch': 0.01}
    (found,) = sent([some_finding(class_probabilities=shares)]).detections
    scores = {one.hypothesis.class_id: one.hypothesis.score for one in found.results}
    assert list(scores) == ['drain', 'equip', 'crack']
    assert scores['drain'] == pytest.approx(0.96 * 0.75)
    assert sum(scores.values()) == pytest.approx(0.96, abs=1e-9)


def test_every_hypothesis_has_the_place_and_its_covariance():
    (found,) = sent([some_finding()], plane_up_m=2.0).detections
    for result in found.results:
        assert result.pose.pose == found.bbox.center
        covariance = np.reshape(result.pose.covariance, (6, 6))
        assert covariance[:2, :2].tolist() == [[0.5, 0.2], [0.2, 0.9]]
        assert (np.linalg.eigvalsh(covariance) > 0).all()
        assert covariance[5, 5] > np.radians(90) ** 2  # nothing tells how it is turned


def test_a_class_that_a_person_gave_comes_first_although_no_model_named_it():
    renamed = some_finding(class_name='skylight', class_probabilities={'equip': 0.4})
    (found,) = sent([renamed]).detections
    assert [one.hypothesis.class_id for one in found.results] == ['skylight', 'equip']


def test_a_finding_without_a_number_is_known_by_its_uuid():
    finding = some_finding(0)
    assert finding_id(finding) == str(finding.uuid)
    assert sent([finding]).detections[0].id == str(finding.uuid)


def test_what_has_no_size_has_none_and_what_has_no_place_is_not_shown():
    (found,) = sent([some_finding(size=None), some_finding(2, place=None)]).detections
    assert (found.id, found.bbox.size.x, found.bbox.size.y) == ('1', 0.0, 0.0)


def test_reported_is_neither_what_was_rejected_nor_what_lies_outside_the_area():
    kept = [some_finding(1), some_finding(2, state=FindingState.TENTATIVE)]
    others = [
        some_finding(3, state=FindingState.REJECTED),
        some_finding(4, state=FindingState.GONE),
        some_finding(5, is_outside=True),
        replace(some_finding(6), place=None),
    ]
    assert reported_findings([*others, *kept]) == kept


def test_a_message_of_later_has_its_own_header_and_what_changed_since():
    detections = FindingDetections()
    first = detections.message([some_finding(1), some_finding(2)], header=HEADER).detections
    later = Header(stamp=Time(sec=9), frame_id=MAP_FRAME)
    moved = some_finding(2, east=9.0)
    message = detections.message([some_finding(1), moved, some_finding(3)], header=later)
    assert message == findings_message([some_finding(1), moved, some_finding(3)], header=later)
    assert message.detections[0] is first[0] and message.detections[1] is not first[1]
    assert [one.id for one in detections.message([moved], header=later).detections] == ['2']
