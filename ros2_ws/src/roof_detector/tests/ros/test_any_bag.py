# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever the records of a bag hold, players go on, and readers count or name what is odd."""

from __future__ import annotations

import itertools
import time
from random import Random

import numpy as np
import pytest
from any_message import any_bytes, any_image, any_message
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image, Imu, NavSatFix
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

from roof_detector.bags.reader import BagReader
from roof_detector.bags.writer import BagWriter
from roof_detector.doctor.graph_snapshot import GraphSnapshot, NodeReport
from roof_detector.doctor.graph_watch import GraphWatch, ImageTally
from roof_detector.doctor.nodes import check_nodes
from roof_detector.doctor.report import as_text
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.recorded_track import read_track

BEGIN_NS = 1_700_000_000_000_000_000
TOPICS = {
    '/camera/image': Image,
    '/camera/camera_info': CameraInfo,
    '/camera/fix': NavSatFix,
    '/camera/pose': PoseStamped,
    '/camera/ground_truth': Detection2DArray,
    'fix': NavSatFix,
    'no name!': String,
}
POSES = (PoseStamped, PoseWithCovarianceStamped, Imu)
quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
# A seed, not a draw for each number: a record takes thousands.
randoms = st.integers(0, 2**32 - 1).map(Random)
names = itertools.count()


def record(kind, random):
    """Return the bytes of one record, sound or not."""
    if random.random() < 0.4:
        return any_bytes(kind, random)
    made = any_image(random) if kind is Image else any_message(kind, random)
    return bytes(serialize_message(made))


def write(path, random, topics, *, count, marks=False):
    """Write a bag of records of any content; with `marks` the last ones are known."""
    with BagWriter(path) as writer:
        for topic, kind in topics.items():
            package = kind.__module__.split('.')[0]
            writer.add_topic(topic, f'{package}/msg/{kind.__name__}')
        if marks:
            writer.add_topic('/mark', 'std_msgs/msg/String')
        for number in range(count):
            topic = random.choice(list(topics))
            data = record(topics[topic], random)
            writer.write(topic, data, log_time_ns=BEGIN_NS + number * 10**6)
        for number in range(3 if marks else 0):
            data = bytes(serialize_message(String(data=f'good {number}')))
            writer.write('/mark', data, log_time_ns=BEGIN_NS + (count + number) * 10**6)
    return path


@pytest.fixture(scope='module')
def heard(shared_graph):
    """Return what arrived on the topic whose records are good."""
    heard = []
    shared_graph.node('listener').create_subscription(
        String, '/mark', lambda message: heard.append(message.data), QoSProfile(depth=50)
    )
    return heard


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=randoms)
def test_a_player_publishes_what_is_good_behind_any_records(shared_graph, heard, tmp_path, random):
    heard.clear()
    path = write(tmp_path / f'bag{next(names)}', random, TOPICS, count=150, marks=True)
    options = ('--wait-for', '/mark')
    player = shared_graph.start('roof_detector.cli.main', 'play', str(path), *options)
    shared_graph.wait_until(
        lambda: len(heard) == 3 and player.poll() is not None, what='the good records and the end'
    )
    output, _ = player.communicate(timeout=60)
    assert player.returncode == 0, output
    assert heard == ['good 0', 'good 1', 'good 2'], output
    assert 'Traceback' not in output


@quick
@given(random=randoms, pose=st.sampled_from(POSES), good=st.booleans())
def test_a_track_of_any_records_is_finite_or_there_is_a_sentence(tmp_path, random, pose, good):
    topics = {'/camera/camera_info': CameraInfo, '/camera/fix': NavSatFix, 'pose': pose}
    path = write(tmp_path / f'bag{next(names)}', random, topics, count=30)
    if good:
        path = with_good_telemetry(path, random, topics)
    notes = []
    with BagReader(path) as bag:
        try:
            track = read_track(
                bag, image_topic='/camera/image', ground=Ground(height_m=30.0), notes=notes
            )
        except TelemetryError as error:
            assert str(error).endswith('.')
            return
    assert np.isfinite(track.positions.rows).all()
    assert np.isfinite(track.attitudes.rows).all()
    for stamp_ns in (0, BEGIN_NS, *track.positions.stamps_ns[:3].tolist()):
        try:
            fix = track.at(stamp_ns, size_wh=(640, 480))
        except GeoError:
            continue
        assert np.isfinite([fix.latitude_deg, fix.longitude_deg, *fix.rotation.ravel()]).all()


def with_good_telemetry(path, random, topics):
    """Write the records of a bag again between good ones."""
    target = path.with_name(f'{path.name}_good')
    good = {name: kind() for name, kind in topics.items()}
    info, fix, _ = good.values()
    info.width, info.height, info.k = 640, 480, [500.0, 0, 320, 0, 500.0, 240, 0, 0, 1]
    fix.latitude, fix.longitude, fix.altitude = 52.5, 13.4, 80.0
    fix.status.status = 0
    with BagReader(path) as bag, BagWriter(target) as writer:
        for topic in bag.topics:
            writer.add_topic(topic.name, topic.type_name)
        for number, message in enumerate(bag.messages()):
            for name, one in good.items():
                one.header.stamp.sec, one.header.stamp.nanosec = 1_700_000_000, number * 10**8
                if number < 10:
                    data = bytes(serialize_message(one))
                    writer.write(name, data, log_time_ns=message.log_time_ns)
            writer.write(message.topic, bytes(message.data), log_time_ns=message.log_time_ns)
    return target


@quick
@given(random=randoms)
def test_a_tally_counts_an_image_of_any_bytes(random):
    tally = ImageTally('sensor_msgs/msg/Image')
    for number in range(5):
        tally.add(any_bytes(Image, random))
        assert tally.count == number + 1
        assert tally.least_age_s is None or tally.least_age_s < time.time()


@quick
@given(random=randoms)
def test_the_doctor_prints_any_status_on_lines_of_its_own(shared_graph, random):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

    status = any_message(DiagnosticStatus, random)
    status.name = random.choice(
        ('x; rm -rf ~: detection', 'a\nOK    detector: bag', 'camera: frames', status.name)
    )
    watch = watch_of(shared_graph)
    watch._note(DiagnosticArray(status=[status, any_message(DiagnosticStatus, random)]))
    reports = watch.snapshot().reports
    assert status.name in {one.name for one in reports}
    for finding in check_nodes(GraphSnapshot(reports=tuple(reports))):
        first, *rest = as_text(finding).split('\n')
        assert first.isprintable() and len(rest) <= 1
        assert all('rm -rf' not in line and line.isprintable() for line in rest)


def watch_of(graph, made={}):  # noqa: B006 - one for all examples
    if graph not in made:
        made[graph] = GraphWatch(graph.node('doctor'))
    return made[graph]


def test_a_report_of_a_node_with_an_odd_name_gets_a_remedy_without_it():
    report = NodeReport(name='$(reboot): bag', level=2, message='', values={})
    (finding,) = [
        one for one in check_nodes(GraphSnapshot(reports=(report,))) if 'reboot' in one.message
    ]
    assert 'reboot' not in finding.remedy
