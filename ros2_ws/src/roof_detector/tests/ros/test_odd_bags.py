# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Times, names and records of a bag are data: a player waits for none of them without a bound."""

from __future__ import annotations

import re
import struct
import sys

import pytest
import rclpy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import String

from roof_detector.bags.black_box import BlackBox
from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import OfferedQos
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.qos_matching import offer_of
from roof_detector.ros.recorder.recorded_topic import RecordedTopic

IMAGE, TRUTH = 'sensor_msgs/msg/Image', 'vision_msgs/msg/Detection2DArray'
BEGIN_NS = 1_700_000_000_000_000_000
YEARS_NS = 10 * 365 * 86_400 * 10**9
BY_TIME = [0, 1, 2, 3, 7, 8, 9, 4, 5, 6]
ODD_STAMPS = {2: (-5, 0), 3: (2**31 - 1, 2**32 - 1), 4: (-(2**31), 2**32 - 1)}


def image(number):
    values = {'header': header_values(BEGIN_NS + number * 10**8, 'lens'), 'height': 1, 'width': 2}
    values |= {'encoding': 'mono8', 'step': 2, 'data': bytes([number, 7])}
    data = message_bytes(IMAGE, values)
    stamp = ODD_STAMPS.get(number)
    return data[:4] + struct.pack('<iI', *stamp) + data[12:] if stamp else data


@pytest.fixture
def odd_bag(tmp_path):
    """Return a bag of 10 frames with odd stamps, two gaps of ten years and damaged records."""
    with BagWriter(tmp_path / 'odd') as writer:
        for name, kind in (
            ('/camera/image', IMAGE),
            ('/camera/ground_truth', TRUTH),
            ('not a name!', IMAGE),
        ):
            offered = [OfferedQos(history='keep_last', depth=2**31 - 1)]
            writer.add_topic(name, kind, offered_qos=offered)
        for number in range(10):
            log_ns = BEGIN_NS + number * 10**8 + (YEARS_NS if 4 <= number < 7 else 0)
            writer.write('/camera/image', image(number), log_time_ns=log_ns)
            writer.write('/camera/ground_truth', image(number)[:30], log_time_ns=log_ns + 1)
            writer.write('not a name!', b'', log_time_ns=log_ns + 2)
    return tmp_path / 'odd'


def test_a_player_plays_all_of_an_odd_bag_within_seconds_and_says_so(graph, odd_bag):
    listener, images, topic = graph.node('listener'), [], '/camera/image'
    listener.create_subscription(Image, topic, images.append, QoSProfile(depth=50))
    player = graph.start('roof_detector.cli.main', 'play', str(odd_bag), '--wait-for', topic)
    graph.wait_until(lambda: player.poll() is not None, within_s=120, what='the end')
    graph.hear_out()
    output, _ = player.communicate(timeout=60)
    assert player.returncode == 0, output
    assert re.search(r'recorded 31535999\d s later: the clock jumps there', output), output
    assert "'not a name!' is not played" in output
    assert [image.data[0] for image in images] == BY_TIME


def test_a_camera_sends_all_of_an_odd_bag_within_seconds_and_says_so(graph, odd_bag):
    listener, images = graph.node('listener'), []
    listener.create_subscription(Image, '/camera/image', images.append, QoSProfile(depth=50))
    parameters = [
        f'source:={odd_bag}',
        'topic:=/camera/image',
        'transport:=both',
        'stamp:=source',
        'wait_for_subscribers:=1',
        'queue_depth:=50',  # a reader that hears of it late is sent what it has missed
    ]
    options = [text for one in parameters for text in ('-p', one)]
    camera = graph.start('roof_detector.ros.camera.camera_node', '--ros-args', *options)
    graph.wait_until(lambda: camera.poll() is not None, within_s=120, what='the end')
    graph.hear_out()
    output, _ = camera.communicate(timeout=60)
    assert camera.returncode == 0, output
    assert re.search(r'1 gaps between recorded times, the longest of 3\d+ s,', output), output
    assert [image.data[0] for image in images] == BY_TIME, output


@pytest.mark.parametrize('depth', [-1, 0, 7, 2**31])
def test_a_recorded_depth_is_offered_within_bounds(depth):
    offer = offer_of([OfferedQos(depth=depth)])
    assert 1 <= offer.depth <= 1000


@pytest.mark.parametrize(
    'name', ['', 'antigravity/msg/X', 'os/msg/path', 'std_msgs/msg/__doc__', 'std_msgs', 'a/b/c/d']
)
def test_a_type_that_is_no_message_type_imports_nothing(name):
    before = set(sys.modules)
    assert message_class(name) is None
    assert 'antigravity' not in set(sys.modules) - before
    assert message_class('sensor_msgs/msg/Image') is Image


def test_who_publishes_another_type_keeps_no_topic_from_being_recorded(graph):
    elsewhere = rclpy.Context()
    rclpy.init(context=elsewhere, domain_id=graph.domain_id)
    stranger = rclpy.create_node('stranger', context=elsewhere)
    stranger.create_publisher(String, '/camera/image', 5)
    node = graph.node('node')
    cameras = [node.create_publisher(Image, '/camera/image', 5) for _ in range(2)]
    graph.wait_until(lambda: node.count_publishers('/camera/image') == 3, what='all publishers')
    topic = RecordedTopic(node, '/camera/image', BlackBox(keep_s=9.0, max_bytes=1 << 20))
    graph.wait_until(
        lambda: topic.refresh() or all(one.get_subscription_count() for one in cameras),
        what='a reader',
    )
    cameras[0].publish(Image(height=3))
    graph.wait_until(lambda: topic.received == 1, what='the image')
    topic.close()
    stranger.destroy_node()
    rclpy.shutdown(context=elsewhere)
