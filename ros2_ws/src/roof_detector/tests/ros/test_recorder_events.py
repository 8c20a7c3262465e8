# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder as a black box, and marks."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import NavSatFix
from std_msgs.msg import String
from std_srvs.srv import Trigger
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import MARK, TRIGGER, metadata_records

DETECTIONS, LABELS, FIX = '/detector/detections', '/detector/labels', '/camera/fix'
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def found(name, score, *, stamp=0):
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = name, score
    message = Detection2DArray(detections=[Detection2D(results=[result])])
    message.header.stamp.sec = stamp
    return message


def armed(flight, **parameters):
    """Start a recorder as a black box, and return publishers of detections and fixes it hears."""
    topics = [DETECTIONS, LABELS, FIX]
    flight.recorder(record=False, black_box=True, pre_roll_s=600.0, topics=topics, **parameters)
    publishers = flight.publisher(Detection2DArray, DETECTIONS), flight.publisher(NavSatFix, FIX)
    for publisher in publishers:
        flight.wait_for_listener(publisher)
    return publishers


def trigger(flight):
    return flight.graph.call(flight.node, Trigger, '/recorder/trigger', Trigger.Request())


def wait_for_end_of_event(flight, number):
    flight.graph.wait_until(
        lambda: (
            (flight.value('events'), flight.value('black_box'), flight.value('finishing'))
            == (str(number), 'armed', '0')
        ),
        what=f'the end of event {number}',
    )


def contents(path):
    with BagReader(path) as bag:
        assert bag.damage == ()
        return [(m.topic, bag.deserialize(m)) for m in bag.messages()]


def values(path, record):
    return [values for name, values in metadata_records(path) if name == record]


def test_without_a_black_box_there_is_nothing_to_trigger(flight):
    flight.recorder(record=False)
    answer = trigger(flight)
    assert not answer.success
    assert 'set black_box to true' in answer.message
    flight.wait_for('black_box', 'off')


def test_an_armed_box_writes_nothing_until_a_service_triggers_it(flight):
    _, fixes = armed(flight, post_roll_s=3600.0)
    labels = flight.publisher(LabelInfo, LABELS, LATCHED)
    labels.publish(LabelInfo(class_map=[VisionClass(class_name='crack')]))
    sent = 0

    def is_well():
        nonlocal sent
        fixes.publish(NavSatFix(latitude=float(sent)))
        sent += 1
        return sent >= 5 and flight.status and flight.status.level == DiagnosticStatus.OK

    flight.graph.wait_until(is_well, what='a good report')
    flight.wait_for('pre_roll_messages', str(sent + 1))
    assert flight.value('recording') == 'false'
    assert not flight.folder.exists()
    answer = trigger(flight)
    assert answer.success, answer.message
    fixes.publish(NavSatFix(latitude=float(sent)))
    flight.wait_for('black_box', 'triggered')
    flight.wait_for('messages', str(sent + 2))
    flight.set_parameters('recorder', post_roll_s=0.1)
    assert trigger(flight).message == answer.message
    wait_for_end_of_event(flight, 1)
    assert (flight.value('events'), flight.value('last_trigger')) == ('1', 'service')
    recorded = contents(answer.message)
    assert [m.latitude for topic, m in recorded if topic == FIX] == list(range(sent + 1))
    assert [topic for topic, _ in recorded].count(LABELS) == 1
    assert [v['reason'] for v in values(answer.message, TRIGGER)] == ['service']


def test_only_detections_that_matter_open_the_box_and_their_own_stamps_stay(flight):
    detections, _ = armed(
        flight, post_roll_s=0.3, trigger_classes=['crack'], trigger_confidence=0.6
    )
    for stamp, (name, score) in enumerate([('rust', 0.9), ('crack', 0.5)]):
        detections.publish(found(name, score, stamp=stamp))
    flight.wait_for('pre_roll_messages', '2')
    assert flight.value('events') == '0'
    detections.publish(found('crack', 0.7, stamp=2))
    flight.wait_for('events', '1')
    assert flight.value('last_trigger') == 'crack with confidence 0.70'
    wait_for_end_of_event(flight, 1)
    path = flight.value('bag')
    assert [m.header.stamp.sec for _, m in contents(path)] == [0, 1, 2]
    with BagReader(path) as bag:
        times = [message.log_time_ns for message in bag.messages()]
    assert times == sorted(times)


def test_each_trigger_prolongs_the_event_and_the_next_one_gets_a_bag_of_its_own(flight):
    _, fixes = armed(flight, post_roll_s=3600.0)
    first = trigger(flight).message
    fixes.publish(NavSatFix(latitude=1.0))
    flight.wait_for('messages', '1')
    flight.set_parameters('recorder', post_roll_s=0.1)
    assert trigger(flight).message == first
    wait_for_end_of_event(flight, 1)
    fixes.publish(NavSatFix(latitude=2.0))
    flight.wait_for('pre_roll_messages', '1')
    second = trigger(flight).message
    assert second != first
    wait_for_end_of_event(flight, 2)
    assert [m.latitude for _, m in contents(first)] == [1.0]
    assert [m.latitude for _, m in contents(second)] == [2.0]


def test_recording_by_order_begins_with_what_the_box_holds_and_does_not_end_by_itself(flight):
    _, fixes = armed(flight, post_roll_s=0.1)
    fixes.publish(NavSatFix(latitude=1.0))
    flight.wait_for('pre_roll_messages', '1')
    assert flight.record(True).success
    flight.wait_for('black_box', 'recording')
    assert trigger(flight).success
    fixes.publish(NavSatFix(latitude=2.0))
    flight.wait_for('messages', '2')
    assert flight.value('events') == '0'
    assert [m.latitude for _, m in contents(flight.stopped_bag())] == [1.0, 2.0]
    flight.wait_for('black_box', 'armed')


def test_a_mark_is_a_message_a_record_and_protects_the_bag(flight):
    flight.recorder(topics=[FIX])
    marks = flight.publisher(String, '/recorder/mark')
    flight.wait_for_listener(marks)
    marks.publish(String(data='crack at the chimney'))
    flight.wait_for('marks', '1')
    path = flight.stopped_bag()
    (topic, message), *rest = contents(path)
    assert (topic, message.data, rest) == ('/recorder/mark', 'crack at the chimney', [])
    (mark,) = values(path, MARK)
    with BagReader(path) as bag:
        assert mark == {
            'time_ns': str(next(bag.messages()).log_time_ns),
            'note': 'crack at the chimney',
        }
    assert (path / 'keep').read_text() == 'crack at the chimney\n'


def test_a_mark_opens_the_black_box_and_one_that_nobody_records_is_not_counted(flight):
    flight.recorder(record=False, black_box=True, topics=[FIX], post_roll_s=0.3)
    marks = flight.publisher(String, '/recorder/mark')
    flight.wait_for_listener(marks)
    marks.publish(String(data='look here'))
    wait_for_end_of_event(flight, 1)
    assert [m.data for _, m in contents(flight.value('bag'))] == ['look here']
    flight.set_parameters('recorder', black_box=False)
    flight.wait_for('black_box', 'off')
    marks.publish(String(data='lost'))
    # The next answer of the same node comes after it has looked at the mark.
    assert not trigger(flight).success
    flight.status = None
    flight.wait_for('marks', '1')


def test_a_box_whose_bag_cannot_be_begun_says_so_and_stays_armed(flight):
    detections, _ = armed(flight, min_free_gb=1e6)
    detections.publish(found('crack', 0.9))
    flight.graph.wait_until(
        lambda: flight.status and flight.status.level == DiagnosticStatus.ERROR,
        what='the report of the failure',
    )
    assert 'must stay free' in flight.status.message
    assert (flight.value('black_box'), flight.value('pre_roll_messages')) == ('armed', '1')
    flight.set_parameters('recorder', min_free_gb=0.0)
    path = trigger(flight).message
    flight.stopped_bag()
    assert [topic for topic, _ in contents(path)] == [DETECTIONS]
