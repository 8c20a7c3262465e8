# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import time

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo

from roof_detector.bags.finding_messages import LABELS, header_values, labels_bytes
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import LATCHED, OfferedQos
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.player.play_clock import PlayClock
from roof_detector.ros.player.player_node import PlaySettings

BEGIN_NS = 1_700_000_000_000_000_000
LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def write_bag(path, *, frames=10, period_ns=50_000_000):
    with BagWriter(path) as writer:
        writer.add_topic('/detector/labels', LABELS, offered_qos=[LATCHED])
        writer.add_topic(
            '/camera/image',
            'sensor_msgs/msg/Image',
            offered_qos=[OfferedQos(reliability='best_effort')],
        )
        labels = labels_bytes(('drain',), threshold=0.2, stamp_ns=BEGIN_NS)
        writer.write('/detector/labels', labels, log_time_ns=BEGIN_NS)
        for number in range(frames):
            stamp_ns = BEGIN_NS + number * period_ns
            values = {'header': header_values(stamp_ns, 'lens'), 'height': 1, 'width': 2}
            values |= {'encoding': 'mono8', 'step': 2, 'data': bytes([number, 7])}
            data = message_bytes('sensor_msgs/msg/Image', values)
            writer.write('/camera/image', data, log_time_ns=stamp_ns)
    return path


@pytest.mark.parametrize('field', ['rate', 'clock_hz'])
def test_a_rate_of_zero_is_refused(field):
    with pytest.raises(RosError, match=r'is 0, expected a number from 0\.01'):
        PlaySettings(**{field: 0})


def test_time_stands_until_it_is_started_and_while_it_is_paused():
    clock = PlayClock(5, rate=1000.0, paused=False)
    assert clock.now_ns() == 5 and not clock.wait_until(6, at_most_s=0.01)
    clock.start(5)
    assert clock.wait_until(1_000_000, at_most_s=5)
    clock.pause(paused=True)
    stood = clock.now_ns()
    assert not clock.wait_until(stood + 1, at_most_s=0.01) and clock.now_ns() == stood
    clock.pause(paused=False)
    assert clock.wait_until(stood + 1_000_000, at_most_s=5)


def test_every_message_is_played_with_its_quality_of_service_and_time(graph, tmp_path):
    listener = graph.node('listener')
    images, labels, clocks = [], [], []
    # As the sensors' own, but this computer may be busy for as long as all of it takes.
    kept = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
    listener.create_subscription(Image, '/camera/image', images.append, kept)
    listener.create_subscription(Clock, '/clock', clocks.append, qos_profile_sensor_data)
    bag = write_bag(tmp_path / 'bag')
    player = graph.start(
        'roof_detector.cli.main', 'play', str(bag), '--paused', '--rate', '2', '--clock', '50'
    )
    graph.wait_until(lambda: len(clocks) >= 3, what='/clock')
    assert {clock.clock.sec for clock in clocks} == {BEGIN_NS // 10**9}
    graph.wait_until(
        lambda: listener.count_publishers('/camera/image') == 1, what='the image topic'
    )
    (offer,) = listener.get_publishers_info_by_topic('/camera/image')
    assert offer.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    # Heard by nobody when it was published, and yet it comes: it is latched again.
    assert images == []
    listener.create_subscription(LabelInfo, '/detector/labels', labels.append, LATCHED_QOS)
    began = time.monotonic()
    graph.call(listener, SetBool, '/player/pause', SetBool.Request(data=False))
    graph.wait_until(lambda: len(images) == 10, what='ten images')
    assert time.monotonic() - began > 9 * 0.05 / 2 * 0.8
    assert [list(image.data) for image in images] == [[n, 7] for n in range(10)]
    assert images[1].header.stamp.nanosec == 50_000_000
    graph.wait_until(lambda: labels, what='latched labels')
    times = [clock.clock.sec * 10**9 + clock.clock.nanosec for clock in clocks]
    assert times == sorted(times)
    output, _ = player.communicate(timeout=60)
    assert player.returncode == 0 and 'Played 11 messages' in output


def test_topics_that_are_not_in_the_bag_are_an_error(graph, tmp_path):
    bag = write_bag(tmp_path / 'bag', frames=1)
    process = graph.start('roof_detector.cli.main', 'play', str(bag), '--topics', '/lidar')
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'has no topic that matches topics and exclude; it has /detector/labels' in output
