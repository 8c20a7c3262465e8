# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The inspector: detections and telemetry in over DDS, every object once out."""

from __future__ import annotations

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from inspected_roof import OBJECTS, InspectedRoof, places_of
from rclpy.parameter import Parameter

from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.ros.inspector.inspector_node import InspectorNode

MODULE = 'roof_detector.ros.inspector.inspector_node'


@pytest.fixture
def inspect(graph):
    """Return what starts an inspector in this process, and waits until it hears everything."""

    def start(roof, **values):
        values = {'update_period_s': 0.2, **values}
        node = InspectorNode(
            context=graph.context,
            cli_args=['--ros-args', '-r', 'image:=/camera/image'],
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        graph.add(node)
        node.start()
        roof.wait(roof.is_ready, what='the inspector to listen')
        return node

    return start


def check_places(findings):
    places = places_of(findings)
    distance = np.linalg.norm(places[:, None] - OBJECTS[None], axis=2)
    assert sorted(distance.argmin(axis=1).tolist()) == list(range(len(OBJECTS)))
    assert distance.min(axis=1).max() < 0.3


def test_each_object_is_found_once_with_its_place_an_event_and_a_number(graph, inspect, tmp_path):
    roof = InspectedRoof(graph)
    node = inspect(roof, findings_directory=str(tmp_path))
    roof.fly()
    roof.wait(lambda: len(roof.events) == len(OBJECTS), within_s=20, what='six events')
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])
    assert roof.findings[-1].header.frame_id == 'map'
    assert [event['event'] for event in roof.events] == ['confirmed'] * len(OBJECTS)
    assert sorted(event['number'] for event in roof.events) == [1, 2, 3, 4, 5, 6]
    assert sorted(one.id for one in roof.findings[-1].detections) == list('123456')
    assert all(abs(event['latitude'] - 47.0) < 1e-3 for event in roof.events)
    ids = {one.id for array in roof.labelled for one in array.detections}
    assert ids <= {'', *'123456', *(f't{k}' for k in range(1, 20))}
    assert ids & set('123456') and any(one.startswith('t') for one in ids)
    roof.wait(lambda: roof.status.level == DiagnosticStatus.OK or roof.values, what='a status')
    node.trigger_deactivate()
    node.trigger_cleanup()
    with InspectionStore(tmp_path / 'inspection.gpkg') as store:
        assert [one.number for one in store.findings()] == [1, 2, 3, 4, 5, 6]


def test_telemetry_that_comes_late_is_waited_for(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof, telemetry_wait_s=5.0)
    roof.fly(late=8)
    roof.wait(lambda: len(roof.events) == len(OBJECTS), within_s=20, what='six events')
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])
    assert roof.values.get('frames_without_a_place', '0') == '0'


def test_without_telemetry_findings_are_tracks_and_it_is_said_what_is_missing(graph, inspect):
    roof = InspectedRoof(graph, telemetry=False)
    inspect(roof)
    roof.fly()
    roof.wait(lambda: int(roof.values.get('frames_inspected', 0)) == 60, what='all frames')

    def is_warned():
        return roof.status.level == DiagnosticStatus.WARN and 'no place' in roof.status.message

    roof.wait(is_warned, what='a warning')
    assert 'no camera info' in roof.status.message or 'holds no' in roof.status.message
    assert int(roof.values['frames_without_a_place']) == 60
    roof.wait(lambda: roof.events, what='events of tracks, which are findings too')
    assert all('latitude' not in event for event in roof.events)
