# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability, QosReliability
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, NavSatFix
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionClass

from roof_detector.bags import qos
from roof_detector.bags.metadata import read_metadata
from roof_detector.bags.reader import BagReader
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.messages import byte_array

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_a_recording_of_nothing_is_a_whole_bag(flight):
    flight.recorder()
    with BagReader(flight.stopped_bag()) as bag:
        assert (bag.message_count, bag.damage) == (0, ())


def test_bytes_are_recorded_as_published_and_in_order(flight):
    flight.recorder()
    publisher = flight.publisher(Detection2DArray, '/detector/detections')
    flight.wait_for_listener(publisher)
    published = []
    for number in range(50):
        message = Detection2DArray()
        message.header.stamp.sec = number
        message.header.frame_id = 'x' * (number % 7)
        # Serialised here: the padding that CDR leaves between fields is not the same each time.
        published.append(serialize_message(message))
        publisher.publish(published[-1])
        flight.graph.executor.spin_once(timeout_sec=0)
    flight.wait_for('messages', '50')
    path = flight.stopped_bag()
    with BagReader(path) as bag:
        assert [message.data for message in bag.messages()] == published
    with AnyReader([path]) as bag:
        stamps = [bag.deserialize(raw, c.msgtype).header.stamp.sec for c, _, raw in bag.messages()]
    assert stamps == list(range(50))


def test_labels_latched_before_the_recording_are_caught_and_stay_latched(flight):
    labels = flight.publisher(LabelInfo, '/detector/labels', LATCHED)
    labels.publish(LabelInfo(class_map=[VisionClass(class_id=3, class_name='crack')]))
    flight.recorder()
    flight.wait_for('messages', '1')
    path = flight.stopped_bag()
    described = read_metadata(path)['topics_with_message_count']
    topics = {t['topic_metadata']['name']: t['topic_metadata'] for t in described}
    # As rosbag2 reads it: what it would make the topic latched again of.
    assert topics['/detector/labels']['offered_qos_profiles'] == [qos.LATCHED.as_dict()]
    with AnyReader([path]) as bag:
        connection, _, raw = next(bag.messages())
        assert bag.deserialize(raw, connection.msgtype).class_map[0].class_name == 'crack'
        profile = connection.ext.offered_qos_profiles[0]
    assert (profile.durability, profile.reliability) == (
        QosDurability.TRANSIENT_LOCAL,
        QosReliability.RELIABLE,
    )


def test_a_best_effort_publisher_that_joins_a_reliable_one_is_heard(flight):
    flight.recorder(topics=['/camera/fix'])
    first = flight.publisher(NavSatFix, '/camera/fix')
    flight.wait_for_listener(first)
    second = flight.publisher(NavSatFix, '/camera/fix', qos_profile_sensor_data)
    flight.wait_for_listener(second)
    second.publish(NavSatFix(latitude=0.3))
    flight.wait_for('received./camera/fix', '1')
    flight.wait_for('messages', '1')


def test_source_images_are_recorded_on_request_and_raw_ones_whole(flight):
    flight.recorder(topics=['/camera/fix'], source_images=True)
    reliable = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
    raw = flight.publisher(Image, '/camera/image', reliable)
    packed = flight.publisher(CompressedImage, '/camera/image/compressed', reliable)
    flight.wait_for_listener(raw)
    flight.wait_for_listener(packed)
    pixels = os.urandom(1280 * 720 * 3)
    raw.publish(Image(height=720, width=1280, step=3840, encoding='bgr8', data=byte_array(pixels)))
    packed.publish(CompressedImage(format='jpeg', data=byte_array(b'not really')))
    flight.wait_for('messages', '2')
    with BagReader(flight.stopped_bag()) as bag:
        assert bag.image_topic().name == '/camera/image'
        message = next(bag.messages(['/camera/image']))
        assert bag.deserialize(message).data.tobytes() == pixels


def test_the_service_starts_and_stops_recordings_and_says_where_they_are(flight):
    flight.recorder(record=False, bag_name='first')
    refusal = flight.record(False)
    assert (refusal.success, refusal.message) == (False, 'Not recording.')
    started = flight.record(True)
    assert (started.success, started.message) == (True, str(flight.folder / 'first'))
    again = flight.record(True)
    assert not again.success
    assert 'Already recording' in again.message
    assert flight.stopped_bag() == flight.folder / 'first'
    taken = flight.record(True)
    assert not taken.success
    assert 'first exists already and is not overwritten' in taken.message


def test_topics_follow_namespace_and_remapping(flight):
    arguments = ['-r', '__ns:=/drone', '-r', 'camera/fix:=/gps/fix']
    flight.recorder(arguments=arguments, topics=['camera/fix', 'detector/detections'])
    fix = flight.publisher(NavSatFix, '/gps/fix')
    detections = flight.publisher(Detection2DArray, '/drone/detector/detections')
    flight.wait_for_listener(fix)
    flight.wait_for_listener(detections)


def test_with_simulated_time_messages_are_logged_by_that_clock(flight):
    flight.recorder(use_sim_time=True, topics=['/camera/fix'])
    clock = flight.publisher(Clock, '/clock')
    publisher = flight.publisher(NavSatFix, '/camera/fix')

    def tick():
        clock.publish(Clock(clock=Time(sec=1_000)))
        return publisher.get_subscription_count()

    flight.graph.wait_until(tick, what='a listener once the clock runs')
    publisher.publish(NavSatFix())
    flight.wait_for('messages', '1')
    with BagReader(flight.stopped_bag()) as bag:
        assert [message.log_time_ns for message in bag.messages()] == [1_000 * 10**9]


def test_without_a_name_every_recording_gets_its_own_folder(flight):
    flight.recorder()
    first = flight.stopped_bag()
    assert flight.record(True).success
    second = flight.stopped_bag()
    assert first != second
    assert first.name.startswith('flight_')


def test_nothing_is_subscribed_while_nothing_is_recorded(flight):
    flight.recorder()
    publisher = flight.publisher(Detection2DArray, '/detector/detections')
    flight.wait_for_listener(publisher)
    flight.stopped_bag()
    flight.graph.wait_until(
        lambda: publisher.get_subscription_count() == 0, what='the end of the subscription'
    )


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        pytest.param({'min_free_gb': 1e6}, 'must stay free', id='disk too full'),
        pytest.param({'output_directory': '/proc/bags'}, 'cannot be created', id='unwritable'),
        pytest.param({'output_directory': '/dev/null/bags'}, 'cannot be', id='not a folder'),
    ],
)
def test_a_recording_that_cannot_begin_is_reported_and_the_node_lives_on(
    flight, parameters, reason
):
    flight.recorder(**parameters)
    flight.wait_for('recording', 'false')
    assert flight.status.level == DiagnosticStatus.ERROR
    assert reason in flight.status.message
    flight.set_parameters('recorder', output_directory=str(flight.folder), min_free_gb=0.0)
    assert flight.record(True).success
    flight.wait_for('recording', 'true')
    assert flight.status.level == DiagnosticStatus.WARN  # nothing has arrived yet
    flight.stopped_bag()


def test_after_a_full_disk_is_freed_it_records_again_and_says_so(flight, small_disk):
    filler = small_disk / 'filler'
    filler.write_bytes(bytes(6 << 20))
    recorder = flight.recorder(
        output_directory=str(small_disk), topics=['/camera/image'], min_free_gb=0.001
    )
    publisher = flight.publisher(CompressedImage, '/camera/image', QoSProfile(depth=5))
    flight.wait_for_listener(publisher)
    sent = 0

    def fly():
        nonlocal sent
        heard = recorder._recorder._heard().received.get('/camera/image', 0)
        if heard == sent < 90:  # all of them fit once the filler is gone
            message = CompressedImage(format='jpeg', data=byte_array(os.urandom(100_000)))
            message.header.stamp.sec = sent
            publisher.publish(message)
            sent += 1
        return flight.value('recording'), flight.status and flight.status.level

    flight.graph.wait_until(lambda: fly()[0] == 'false', what='a full disk')
    assert flight.status.level == DiagnosticStatus.ERROR
    assert 'Not recording: ' in flight.status.message
    assert 'must stay free' in flight.status.message
    with BagReader(flight.value('bag')) as bag:
        assert bag.damage == ()
    filler.unlink()
    flight.graph.wait_until(lambda: fly() == ('true', DiagnosticStatus.OK), what='a good report')
    flight.wait_for('messages', str(sent))
    assert (flight.value('interruptions'), flight.value('dropped')) == ('1', '0')
    path = flight.stopped_bag()
    with BagReader(path) as bag:
        assert bag.damage == ()
        numbers = [bag.deserialize(message).header.stamp.sec for message in bag.messages()]
    assert numbers == list(range(sent))
    assert len(list(path.glob('*.mcap'))) == 2


def test_a_recording_that_is_asked_for_at_the_start_begins_once_its_folder_can_be_made(
    flight, tmp_path, monkeypatch
):
    monkeypatch.setattr('roof_detector.ros.recorder.flight_recorder._TRY_AGAIN_AFTER_S', 0.2)
    in_the_way = tmp_path / 'bags'
    in_the_way.write_text('a disk that is not mounted yet')
    flight.recorder()
    flight.wait_for('recording', 'false')
    assert flight.status.level == DiagnosticStatus.ERROR
    in_the_way.unlink()
    flight.wait_for('recording', 'true')
    assert flight.stopped_bag().parent == in_the_way


@pytest.mark.parametrize('name', ['', 'flight'], ids=['named by the time', 'of one name'])
def test_two_recorders_in_one_folder_take_nothing_from_each_other(flight, name):
    flight.recorder(bag_name=name)
    flight.recorder(bag_name=name, arguments=['-r', '__node:=other'])
    first = flight.stopped_bag()
    other = flight.graph.call(
        flight.node, SetBool, '/other/record', SetBool.Request(data=False)
    ).message
    assert {first, Path(other)} == set(flight.folder.iterdir())
    for path in (first, Path(other)):
        with BagReader(path) as bag:
            assert bag.damage == ()


@pytest.mark.parametrize('name', ["Tom's roof", 'Dach 屋根 é', '-x: {a}', 'a.mcap', 'b_0'])
def test_a_bag_may_have_any_name_that_a_folder_may_have(flight, name):
    flight.recorder(record=False, bag_name=name, topics=['/camera/fix'])
    assert flight.record(True).success
    publisher = flight.publisher(NavSatFix, '/camera/fix')
    flight.wait_for_listener(publisher)
    publisher.publish(NavSatFix())
    flight.wait_for('messages', '1')
    path = flight.stopped_bag()
    assert path == flight.folder / name
    with AnyReader([path]) as bag:
        assert len(list(bag.messages())) == 1


def test_nonsense_parameters_are_refused_in_a_sentence(flight):
    with pytest.raises(ParameterError, match='topics is empty'):
        flight.recorder(topics=[''])
    for name in ('../elsewhere', '..', 'a/b', 'line\nbreak', 'x' * 250):
        with pytest.raises(ParameterError, match='plain folder name'):
            flight.recorder(bag_name=name)


def test_what_a_slow_disk_cannot_take_is_counted_by_topic(flight):
    flight.recorder(topics=['/camera/image'], queue_mb=1.0)
    publisher = flight.publisher(Image, '/camera/image')
    flight.wait_for_listener(publisher)
    publisher.publish(Image(height=1, width=1, data=byte_array(bytes(2_000_000))))
    flight.wait_for('dropped./camera/image', '1')
    assert flight.status.level == DiagnosticStatus.WARN
    assert '1 messages lost' in flight.status.message
