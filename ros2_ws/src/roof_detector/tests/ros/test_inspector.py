# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The inspector: detections and telemetry in over DDS, every object once out."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from itertools import count

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Quaternion
from inspected_roof import (
    OBJECTS,
    ORIGIN,
    InspectedRoof,
    fix_message,
    info_message,
    places_of,
    pose_message,
)
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import NavSatFix
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.stored_frames import read_stored_frames
from roof_detector.ros.inspector.detection_intake import usable_detections
from roof_detector.ros.inspector.followed_topic import FollowedTopic
from roof_detector.ros.inspector.inspection_worker import InspectionWorker
from roof_detector.ros.inspector.inspector_node import InspectorNode

MODULE = 'roof_detector.ros.inspector.inspector_node'


@pytest.fixture
def inspect(graph, monkeypatch):
    """Return what starts an inspector in this process, and waits until it hears everything."""
    monkeypatch.setattr('roof_detector.ros.inspector.telemetry_intake._SETTLED_S', 0.2)
    monkeypatch.setattr('roof_detector.ros.inspector.inspector_node._REFRESH_S', 0.05)
    monkeypatch.setattr('roof_detector.ros.inspector.inspector_node._DIAGNOSTICS_S', 0.1)

    def start(roof, **values):
        values = {'update_period_s': 0.2, 'register_rate_hz': 0.0, **values}
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
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
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
    roof.wait(lambda: roof.values.get('findings') == '6', what='a status')
    node.trigger_deactivate()
    node.trigger_cleanup()
    with InspectionStore(tmp_path / 'inspection.gpkg') as store:
        assert [one.number for one in store.findings()] == [1, 2, 3, 4, 5, 6]


def test_it_is_ok_only_while_what_was_asked_for_arrives(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof)
    frames = count()

    def is_ok():
        roof.fly(frames=1, first=next(frames))
        return roof.status.level == DiagnosticStatus.OK

    roof.wait(is_ok, what='OK while all arrives')

    def is_silent():
        words = roof.status.message
        return roof.status.level != DiagnosticStatus.OK and 'No detections on /detector' in words

    roof.wait(is_silent, what='a warning of silence')


def test_a_named_camera_has_its_detections_and_its_outputs(graph, inspect):
    roof = InspectedRoof(graph, camera='/left')
    inspect(roof, cameras=['left:/camera/image'])
    roof.fly()
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
    check_places(roof.findings[-1])
    assert {one.id for array in roof.labelled for one in array.detections} & set('123456')


def test_the_vehicle_s_pose_of_mavros_is_that_of_a_camera_that_is_said_to_look_down(
    graph, inspect
):
    roof = InspectedRoof(
        graph, fix='/mavros/global_position/global', pose='/mavros/local_position/pose'
    )
    inspect(roof, telemetry='mavros', ground_sigma_m=0.1)

    def tell(index):
        body = pose_message(index)
        body.pose.orientation = Quaternion(z=math.sqrt(0.5), w=math.sqrt(0.5))  # heads north
        for message in (fix_message(index), body, info_message(index)):
            roof.telemetry[type(message)].publish(message)

    roof.fly(tell=tell)
    roof.wait(lambda: len(roof.events) >= len(OBJECTS), what='six events')
    roof.wait(lambda: 'note.1' in roof.values, what='a note')
    assert 'assumed to look straight down' in roof.values['note.1']
    check_places(roof.findings[-1])


def test_topics_of_any_name_are_taken_where_they_are_named(graph, inspect):
    roof = InspectedRoof(graph, fix='/rtk/fix', pose='/vio/pose')
    inspect(roof, fix_topic='/rtk/fix', pose_topic='/vio/pose', info_topic='/camera/camera_info')
    roof.fly()
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
    check_places(roof.findings[-1])


def test_a_package_that_is_not_installed_is_named(graph):
    topic = FollowedTopic(
        graph.node('n'), '/fmu/out/x', 'px4_msgs/msg/NoSuchMessage', lambda _: True
    )
    topic.refresh()
    assert 'px4_msgs is not installed here' in topic.warning


def test_telemetry_that_comes_late_is_waited_for(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof, telemetry_wait_s=5.0)
    roof.fly(late=8)
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])
    assert roof.values.get('frames_without_a_place', '0') == '0'


def test_without_telemetry_findings_are_tracks_and_it_is_said_what_is_missing(graph, inspect):
    roof = InspectedRoof(graph, telemetry=False)
    inspect(roof)
    roof.fly()
    roof.wait_inspected(60)

    def warnings():  # any, for soon it is said that no detections come
        return [
            one.message
            for one in roof.statuses
            if one.level == DiagnosticStatus.WARN and 'no place' in one.message
        ]

    roof.wait(warnings, what='a warning')
    assert 'no camera info' in warnings()[-1] or 'holds no' in warnings()[-1]
    roof.wait(
        lambda: roof.values['frames_without_a_place'] == roof.values['frames_inspected'],
        what='all frames to be counted as frames without a place',
    )
    roof.wait(lambda: roof.events, what='events of tracks, which are findings too')
    assert all('latitude' not in event for event in roof.events)


def test_gaps_nan_and_jumps_of_the_telemetry_cost_places_and_are_counted(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof, telemetry_wait_s=2.0)  # however late a busy computer delivers it

    def tell(index):
        if 20 <= index < 32:
            return  # a gap of more than a second
        if index == 40:
            roof.telemetry[NavSatFix].publish(broken_fix(index))
            return
        shift = (500.0, 0.0) if 45 <= index < 48 else (0.0, 0.0)
        roof.tell_place(index, shift=shift)

    roof.fly(tell=tell, period_s=0.03)
    roof.wait_inspected(60)
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])
    causes = {key: int(n) for key, n in roof.values.items() if key.startswith('without_a_place.')}
    assert any('There is no fix for' in cause for cause in causes)
    assert causes['without_a_place.The position jumps, or is far from all others.'] >= 3
    assert roof.values['left_out./camera/fix.not a position on Earth'] == '1'


def test_a_position_that_jumps_for_good_is_a_part_of_its_own(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof)
    roof.fly(frames=60)
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
    # The receiver has another origin from now on, and the drone flies the same line again.
    roof.fly(frames=60, first=60, tell=lambda index: roof.tell_place(index, shift=(300.0, 80.0)))
    roof.wait_inspected(120)
    assert int(roof.values['frames_placed']) >= 105


@pytest.mark.parametrize('wrong_m', [30_000.0, 3_000.0], ids=['far away', 'a jump'])
def test_one_wrong_first_position_costs_a_few_frames_and_no_flight(
    graph, inspect, tmp_path, wrong_m
):
    roof = InspectedRoof(graph)
    node = inspect(roof, findings_directory=str(tmp_path), telemetry_wait_s=2.0)

    def tell(index):
        wild = index in (0, 40)  # of which the one in the middle moves nothing
        roof.tell_place(index, shift=(wrong_m, 0.0) if wild else (0.0, 0.0))

    def has_begun():  # with the wrong position, which a reader that has just matched may miss
        roof.fly(tell=tell, frames=1)
        return roof.values.get('frames_inspected') == '1'

    roof.wait(has_begun, what='the first frame')
    roof.fly(tell=tell, first=1, frames=59, period_s=0.03)
    roof.wait_inspected(60)
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])
    assert roof.values['inspections_begun_again'] == '1'
    assert int(roof.values['frames_placed']) >= 45
    (note,) = (text for key, text in roof.values.items() if key.startswith('note.'))
    first, second = tmp_path / 'inspection.gpkg', tmp_path / 'inspection_2.gpkg'
    assert 'frames in a row were elsewhere than where the inspection began' in note
    assert note.endswith(f'What was before is in {first}.')
    assert any('Another inspection has begun' in one.message for one in roof.statuses)
    node.trigger_deactivate()
    node.trigger_cleanup()
    with InspectionStore(second) as store:
        placed = [one for one in store.findings() if one.state is FindingState.CONFIRMED]
        assert len(placed) == len(OBJECTS)
        assert all(abs(one.place.longitude_deg - 8.0) < 1e-3 for one in placed)
    assert len(read_stored_frames(first)) == 1


def test_bad_stamps_are_left_out_by_cause_and_good_ones_go_on(graph, inspect):
    roof = InspectedRoof(graph)
    inspect(roof)
    roof.fly(frames=20)
    for stamp in (Time(), Time(sec=-5), Time(sec=1, nanosec=2 * 10**9)):
        message = roof.found(0)
        message.header.stamp = stamp
        roof.detections.publish(message)
    roof.detections.publish(roof.found(19))
    roof.detections.publish(roof.found(15))
    roof.fly(first=20, frames=40)
    topic = 'left_out./detector/detections.frames'
    roof.wait_inspected(60)
    assert roof.values[f'{topic} without a stamp'] == '3'
    assert roof.values[f'{topic} repeated'] == '1'
    assert roof.values[f'{topic} out of order'] == '1'
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))
    check_places(roof.findings[-1])


def test_thousands_of_false_detections_are_bounded_and_said(graph, inspect):
    roof, random = InspectedRoof(graph), np.random.default_rng(3)
    inspect(roof, most_objects=50)

    def clutter(_):
        corner = random.uniform((0, 0), (600, 330), (200, 2))
        return np.hstack([corner, corner + random.uniform(8, 30, (200, 2))])

    roof.fly(frames=6, extra=clutter)
    roof.wait(lambda: 'note.1' in roof.values, what='a note')
    assert 'weakest objects were dropped' in roof.values['note.1']
    assert int(roof.values['tentative']) + int(roof.values['findings']) < 500


def test_of_too_many_detections_those_of_the_highest_confidence_count():
    rows = [(5.0, 5.0, 4.0, 4.0, k / 3000, 'equip') for k in range(2000)]
    rows += [(math.nan, 5.0, 4.0, 4.0, 0.5, 'equip'), (5.0, 5.0, -4.0, 4.0, 0.5, 'equip')]
    rows += [(5.0, 5.0, 4.0, 4.0, 0.5, 'ghost')]
    left_out = Counter()
    found = usable_detections(array_of(rows), {'equip': 0}, left_out)
    assert found.positions.tolist() == list(range(1000, 2000))
    assert found.detections.scores.min() > 0.33
    assert left_out == {
        'more than 1000 in a frame': 1000,
        'with a box that is not finite': 1,
        'without an area, or with a confidence beyond 0 to 1': 1,
        'of a class that the labels do not have': 1,
    }


def test_only_findings_inside_the_area_are_reported(graph, inspect, tmp_path):
    west, east = (ORIGIN.to_geodetic([x, 0, 0])[1] for x in (-10.0, 2.0))
    south, north = (ORIGIN.to_geodetic([0, y, 0])[0] for y in (-10.0, 10.0))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    area = tmp_path / 'area.geojson'
    area.write_text(json.dumps({'type': 'Polygon', 'coordinates': [ring]}))
    roof = InspectedRoof(graph)
    inspect(roof, area=str(area))
    roof.fly()
    roof.wait(lambda: roof.values.get('outside_area') == '2', what='two findings outside')
    roof.wait(lambda: len(roof.events) == 4, what='events of those inside')
    assert places_of(roof.findings[-1])[:, 0].max() < 1.0


def test_a_thread_that_dies_is_replaced_and_costs_one_frame(graph, inspect, monkeypatch):
    roof = InspectedRoof(graph)
    inspect(roof)
    roof.fly(frames=20)
    dead = []

    def die(self, frame):
        if not dead:
            dead.append(frame)
            raise SystemExit

        return place(self, frame)

    place = InspectionWorker._inspect
    monkeypatch.setattr(InspectionWorker, '_inspect', die)
    roof.fly(first=20, frames=40)
    roof.wait(lambda: roof.values.get('restarts.inspection') == '1', what='a restart')
    roof.wait_inspected(59)
    roof.wait(lambda: roof.findings and len(roof.findings[-1].detections) == len(OBJECTS))


def test_a_deactivated_inspector_listens_again_and_cleanup_begins_another_inspection(
    graph, inspect, tmp_path
):
    roof = InspectedRoof(graph)
    node = inspect(roof, findings_directory=str(tmp_path))
    roof.fly()
    roof.wait(lambda: len(roof.events) == len(OBJECTS), what='six events')
    for act in (node.trigger_deactivate, node.trigger_cleanup):
        assert act() == TransitionCallbackReturn.SUCCESS
    roof.statuses.clear()
    node.start()
    roof.wait(roof.is_ready, what='the inspector to listen again')
    roof.events.clear()
    roof.fly(first=100)
    roof.fly()
    roof.wait(lambda: len(roof.events) >= len(OBJECTS), what='six events of the second inspection')
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert {path.name for path in tmp_path.iterdir()} == {'inspection.gpkg', 'inspection_2.gpkg'}


def test_parameters_that_make_no_sense_are_refused_in_a_sentence(graph, tmp_path):
    for values, words in (
        ({'area': str(tmp_path / 'none.kml')}, 'give polygons as GeoJSON or KML'),
        ({'ground_reference': 'flight_height'}, 'height over the roofs is 0.0 m'),
        ({'cameras': ['1']}, 'expected a name'),
    ):
        with pytest.raises(ValueError, match=words):
            InspectorNode(
                context=graph.context,
                parameter_overrides=[Parameter(name, value=v) for name, v in values.items()],
            )
        assert not logging.getLogger('roof_detector').handlers


def array_of(rows):
    message = Detection2DArray()
    for x, y, width, height, score, name in rows:
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = name, score
        one = Detection2D(results=[result])
        one.bbox.center.position.x, one.bbox.center.position.y = x, y
        one.bbox.size_x, one.bbox.size_y = width, height
        message.detections.append(one)
    return message


def broken_fix(index):
    message = fix_message(index)
    message.latitude = float('nan')
    return message
