# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What RViz draws of findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from some_findings import BEGIN_NS, some_finding
from visualization_msgs.msg import Marker, MarkerArray

from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.marker_messages import FindingMarkers
from roof_detector.vision.palette import class_colours

NAMES = ('equip', 'drain', 'crack')


class Display:
    """What a display shows after messages, by the rules of visualization_msgs/Marker."""

    def __init__(self):
        self.shown = {}

    def take(self, message):
        for marker in deserialize_message(serialize_message(message), MarkerArray).markers:
            if marker.action == Marker.DELETEALL:
                self.shown.clear()
            else:
                assert marker.action == Marker.ADD
                assert (marker.ns, marker.id) not in self.shown
                self.shown[marker.ns, marker.id] = marker
        return self


def test_without_findings_all_is_removed():
    display = Display().take(FindingMarkers(NAMES).message([some_finding()]))
    assert display.shown
    assert not display.take(FindingMarkers(NAMES).message([])).shown


def test_a_finding_is_a_box_in_its_class_colour_a_label_and_an_ellipse():
    finding = some_finding(7, size=(2.0, 0.5))
    markers = FindingMarkers(NAMES, frame_id='roof', plane_up_m=10.0)
    shown = Display().take(markers.message([finding])).shown
    assert set(shown) == {('findings', 7), ('labels', 7), ('errors', 7)}
    box, label = shown['findings', 7], shown['labels', 7]
    assert {marker.header.frame_id for marker in shown.values()} == {'roof'}
    position = box.pose.position
    assert (position.x, position.y, position.z) == (3.0, -4.0, 10.5)
    assert (box.scale.x * box.scale.y, box.scale.x) == (pytest.approx(1.0), box.scale.y)
    blue, green, red = class_colours(NAMES)[1]
    assert np.allclose([box.color.r, box.color.g, box.color.b], np.array([red, green, blue]) / 255)
    assert label.text == '7 drain 72%\n2.00 x 0.50 m'
    assert label.pose.position.z > position.z


def test_the_ellipse_holds_95_percent_of_the_true_positions():
    finding = some_finding()
    place = finding.place
    (ellipse,) = (
        one for one in FindingMarkers(NAMES).message([finding]).markers if one.ns == 'errors'
    )
    east, both, north = place.covariance
    random = np.random.default_rng(1)
    points = random.multivariate_normal([0, 0], [[east, both], [both, north]], 40_000)
    turn = 2 * np.arctan2(ellipse.pose.orientation.z, ellipse.pose.orientation.w)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    along = points @ axes.T / (np.array([ellipse.scale.x, ellipse.scale.y]) / 2)
    assert ((along**2).sum(axis=1) <= 1).mean() == pytest.approx(0.95, abs=0.005)


def test_a_tentative_finding_is_fainter_and_one_without_number_or_size_is_drawn():
    faint = some_finding(0, state=FindingState.TENTATIVE, size=None)
    shown = Display().take(FindingMarkers(NAMES).message([faint, some_finding(5)])).shown
    (unnumbered,) = (number for name, number in shown if name == 'findings' and number != 5)
    assert unnumbered < 0
    assert shown['findings', unnumbered].color.a < shown['findings', 5].color.a
    assert shown['labels', unnumbered].text == 'new drain 72%'
    assert shown['findings', unnumbered].scale.x > 0


def test_what_changed_is_drawn_anew_and_what_is_gone_is_removed():
    markers, display = FindingMarkers(NAMES), Display()
    first, second = some_finding(1), some_finding(2)
    display.take(markers.message([first, second]))
    kept = markers.message([first]).markers[1]
    moved = some_finding(1, east=9.0)
    display.take(markers.message([moved]))
    assert {number for _, number in display.shown} == {1}
    assert display.shown['findings', 1].pose.position.x == 9.0
    assert kept.pose.position.x == 3.0


def test_an_unchanged_finding_is_not_made_again():
    markers = FindingMarkers(NAMES)
    before = markers.message([some_finding(1), some_finding(2)]).markers
    after = markers.message([some_finding(1), replace(some_finding(2), existence=0.5)]).markers
    assert all(one is other for one, other in zip(before[1:4], after[1:4], strict=True))
    assert not any(one is other for one, other in zip(before[4:], after[4:], strict=True))


def test_the_number_of_markers_is_bounded_and_what_is_left_out_is_counted():
    many = [
        some_finding(n, state=FindingState.TENTATIVE, last_seen_ns=BEGIN_NS + n)
        for n in range(1, 31)
    ]
    many.append(some_finding(99, last_seen_ns=BEGIN_NS))
    shown = Display().take(FindingMarkers(NAMES, most=10).message(many)).shown
    numbers = {number for name, number in shown if name == 'findings'}
    assert numbers == {99, *range(22, 31)}  # the confirmed one, and the last seen
    assert shown['count', 0].text == '21 more findings are not drawn'


def test_a_class_that_no_model_has_and_a_covariance_of_nothing_are_drawn():
    finding = some_finding(class_name='skylight')
    finding = replace(finding, place=replace(finding.place, covariance=(0.0, 0.0, 0.0)))
    shown = Display().take(FindingMarkers(NAMES).message([finding, some_finding(2, place=None)]))
    assert {number for _, number in shown.shown} == {1}
    assert all(
        min(one.scale.x, one.scale.y, one.scale.z) > 0
        for (name, _), one in shown.shown.items()
        if name != 'labels'
    )
