# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever arrives on any topic that a recorder takes, good messages are recorded after it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from any_message import any_bytes, any_image, any_message
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcl_interfaces.msg import Log, ParameterEvent
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu, NavSatFix
from std_msgs.msg import String
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray, LabelInfo

from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import MANIFEST, metadata_records

TOPICS = {
    '/camera/image': Image,
    '/camera/image/compressed': CompressedImage,
    '/camera/camera_info': CameraInfo,
    '/camera/fix': NavSatFix,
    '/camera/pose': PoseStamped,
    '/imu': Imu,
    '/detector/detections': Detection2DArray,
    '/detector/labels': LabelInfo,
    '/log': Log,
    '/diagnostics': DiagnosticArray,
    '/parameter_events': ParameterEvent,
    '/recorder/mark': String,
}
# Others speak there too, or the recorder itself.
SHARED = {'/diagnostics', '/parameter_events', '/recorder/mark'}
# Of images it keeps ten.
ON_THE_WAY = 8
# These open each file again.
REPEATED = {'/camera/camera_info', '/detector/labels'}
live = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def any_content(topic, random):
    """Return a message of a topic's type, or bytes that may be none."""
    kind = TOPICS[topic]
    if random.random() < 0.4:
        return any_bytes(kind, random)
    return any_image(random) if kind is Image else any_message(kind, random)


# A seed, not a draw for each number: a message takes thousands.
contents = st.tuples(st.sampled_from(sorted(TOPICS)), st.integers(0, 2**32 - 1))


class Sky:
    """A recorder with a black box in a process of its own, and strangers around it."""

    def __init__(self, graph, folder):
        self.graph, self.node = graph, graph.node('sky')
        self.sent: Counter[str] = Counter()
        self.values: dict[str, str] = {}
        recorded = ','.join(f"'{topic}'" for topic in TOPICS if topic != '/recorder/mark')
        values = {
            'record': 'true',
            'output_directory': folder,
            'min_free_gb': '0.0',
            'topics': f'[{recorded}]',
            'black_box': 'true',
            'trigger_topic': '/detector/detections',
            'max_file_s': '1.0',
        }
        options = [word for key, value in values.items() for word in ('-p', f'{key}:={value}')]
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 50)
        self.publishers = {
            topic: self.node.create_publisher(kind, topic, QoSProfile(depth=300))
            for topic, kind in TOPICS.items()
        }
        self.process = graph.start(
            'roof_detector.ros.recorder.recorder_node', '--ros-args', *options
        )
        graph.wait_until(
            lambda: all(one.get_subscription_count() for one in self.publishers.values()),
            what='a recorder of every topic',
        )

    def _note(self, array):
        for status in array.status:
            if status.name == 'recorder: bag' and status.values:
                self.values = {pair.key: pair.value for pair in status.values}

    def send(self, topic, content):
        """Publish a message; no more of a topic are on their way than DDS keeps for a recorder."""
        if topic not in SHARED and self.sent[topic] - max(self.received(topic), 0) >= ON_THE_WAY:
            self.wait_until_received([topic])
        self.publishers[topic].publish(content)
        self.sent[topic] += 1
        self.graph.executor.spin_once(timeout_sec=0.002)

    def wait_until_received(self, topics):
        self.graph.wait_until(
            lambda: all(self.received(topic) == self.sent[topic] for topic in topics),
            what='all messages in the bag',
        )

    def received(self, topic):
        return int(self.values.get(f'received.{topic}', -1))

    def expect_everything_recorded(self):
        """Send a good message on each topic; each counts, and so has every one before it."""
        for topic, kind in TOPICS.items():
            self.send(topic, kind())
        self.wait_until_received(TOPICS.keys() - SHARED)
        assert self.process.poll() is None


@pytest.fixture(scope='module')
def sky(shared_graph, tmp_path_factory):
    return Sky(shared_graph, tmp_path_factory.mktemp('bags'))


@live
@given(batch=st.lists(contents, max_size=50))
def test_after_any_messages_everything_is_recorded(sky, batch):
    for topic, seed in batch:
        sky.send(topic, any_content(topic, Random(seed)))
    sky.expect_everything_recorded()


def test_all_of_it_is_in_the_bag_and_what_peers_say_of_themselves_is_bounded(sky):
    for number in range(100):
        facts = {'model_sha256': 'f' * 64, 'model': 'x' * 20_000}
        status = DiagnosticStatus(
            name=f'forged{number}: detection',
            values=[KeyValue(key=key, value=value) for key, value in facts.items()],
        )
        sky.send('/diagnostics', DiagnosticArray(status=[status]))
    sky.expect_everything_recorded()
    answer = sky.graph.call(sky.node, SetBool, '/recorder/record', SetBool.Request(data=False))
    assert answer.success, answer.message
    path = Path(answer.message)
    with BagReader(path) as bag:
        counts = Counter(message.topic for message in bag.messages())
        assert bag.damage == ()
    for topic in TOPICS.keys() - SHARED:
        more = counts[topic] - sky.sent[topic]
        assert more >= 0 if topic in REPEATED else more == 0, topic
    manifest = {}
    for name, values in metadata_records(path):
        manifest |= values if name == MANIFEST else {}
    models = {name: value for name, value in manifest.items() if name.startswith('model.')}
    assert 0 < len([name for name in models if name.endswith('.path')]) <= 20
    assert max(map(len, models.values())) <= 4000
