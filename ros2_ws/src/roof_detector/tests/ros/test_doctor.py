# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The doctor on a real graph."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sensor_msgs.msg import Image

from roof_detector.doctor import graph_watch
from roof_detector.doctor.clock import check_clock
from roof_detector.doctor.dds import SharedMemory, check_dds
from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.graph_snapshot import GraphSnapshot, NodeReport
from roof_detector.doctor.images import check_images
from roof_detector.doctor.nodes import check_nodes
from roof_detector.doctor.ros_installation import check_ros

SHM = Path('/dev/shm')
WIDTH, HEIGHT = 64, 48


@pytest.fixture
def look(graph, monkeypatch):
    """Look at the test's own graph while its nodes go on."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.domain_id))

    def look_until(seen_enough=lambda _: True, *, listen_s=0.5, within_s=120.0):
        """Look again until enough is seen: discovery takes as long as the machine is busy."""
        deadline = time.monotonic() + within_s
        while True:
            with ThreadPoolExecutor(1) as pool:
                looking = pool.submit(graph_watch.snapshot_graph, listen_s=listen_s)
                graph.wait_until(looking.done, within_s=within_s, what='the look')
                seen = looking.result()
            if seen_enough(seen):
                return seen
            assert time.monotonic() < deadline, f'not seen within {within_s} s: {seen}'

    return look_until


def images_arrive(seen):
    return any(topic.received > 1 for topic in seen.images)


def publish_images(node, topic, *, stamp_offset_s=0.0, qos=10):
    """Publish small images at 20 per second until the graph closes."""
    publisher = node.create_publisher(Image, topic, qos)
    message = Image(height=HEIGHT, width=WIDTH, step=WIDTH * 3, encoding='bgr8')
    message.data = bytes(HEIGHT * WIDTH * 3)

    def send():
        now = node.get_clock().now().nanoseconds + round(stamp_offset_s * 1e9)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
        publisher.publish(message)

    node.create_timer(0.05, send)


def test_an_empty_graph_warns_and_a_topic_that_must_be_there_fails(look):
    seen = look()
    assert seen == GraphSnapshot()
    (finding,) = check_images(seen, image_topic=None, listened_s=0.5)
    assert finding.verdict is Verdict.WARN and 'camera.launch.py' in finding.remedy
    (finding,) = check_images(seen, image_topic='camera/image', listened_s=0.5)
    assert finding.verdict is Verdict.FAIL and '/camera/image' in finding.message
    assert [f.subject for f in check_nodes(seen)] == ['detector', 'recorder']


def test_ros_is_found_with_its_messages():
    (finding,) = check_ros()
    assert finding.verdict is not Verdict.FAIL and 'domain' in finding.message


def test_a_camera_is_seen_with_its_type_rate_size_and_age(graph, look):
    publish_images(graph.node('camera', namespace='drone'), '/camera/image')
    # Where this computer was busy meanwhile, several arrive in a moment.
    seen = look(lambda seen: images_arrive(seen) and seen.images[0].rate_hz < 40)
    (topic,) = seen.images
    assert topic.type_name == 'sensor_msgs/msg/Image'
    assert topic.publishers == ('/drone/camera',) and topic.listeners == ()
    assert topic.reliabilities == ('reliable',)
    assert topic.received > 1 and topic.rate_hz > 0
    assert WIDTH * HEIGHT * 3 < topic.largest_bytes < WIDTH * HEIGHT * 3 + 200
    assert topic.age_s is not None and topic.age_s < 20.0
    (finding,) = check_images(seen, image_topic='/camera/image', listened_s=1.5)
    assert finding.verdict is not Verdict.FAIL and 'no detector is running' in finding.message
    assert check_clock(seen.images, simulated_time=False)[0].verdict is Verdict.OK


def test_a_best_effort_camera_is_heard_too(graph, look):
    from rclpy.qos import qos_profile_sensor_data

    publish_images(graph.node('camera'), '/camera/image', qos=qos_profile_sensor_data)
    (topic,) = look(images_arrive).images
    assert topic.reliabilities == ('best_effort',) and topic.received


def test_a_camera_whose_clock_is_ahead_fails(graph, look):
    publish_images(graph.node('camera'), '/camera/image', stamp_offset_s=3600.0)
    (finding,) = check_clock(look(images_arrive).images, simulated_time=False)
    assert finding.verdict is Verdict.FAIL and 'in the future' in finding.message


def test_a_publisher_that_sends_nothing_fails(graph, look):
    graph.node('camera').create_publisher(Image, '/camera/image', 10)
    (finding,) = check_images(look(lambda s: s.images), image_topic=None, listened_s=0.5)
    assert finding.verdict is Verdict.FAIL and 'no image arrived' in finding.message


def test_a_detector_s_own_images_are_left_alone(graph, look):
    """Listening to annotated images would make the detector draw them."""
    publish_images(graph.node('detector'), '~/image_annotated')
    publish_images(graph.node('camera'), '/camera/image')
    assert [topic.name for topic in look(images_arrive).images] == ['/camera/image']


def test_a_running_recorder_says_that_it_does_not_record(graph, look, tmp_path):
    graph.start(
        'roof_detector.ros.recorder.recorder_node',
        '--ros-args',
        '-p',
        f'output_directory:={tmp_path}',
    )
    probe = graph.node('probe')
    graph.wait_until(
        lambda: probe.count_publishers('/diagnostics') > 0, within_s=60.0, what='the recorder'
    )

    def is_idle(seen):  # and not yet, or no more, busy with its start
        return any(report.message == 'Not recording.' for report in seen.of_kind('bag'))

    (report,) = look(is_idle, listen_s=1.5).of_kind('bag')
    (finding,) = (
        f for f in check_nodes(GraphSnapshot(reports=(report,))) if f.subject == 'recorder'
    )
    assert finding.verdict is Verdict.WARN and finding.message == '/recorder: Not recording.'
    assert finding.remedy.startswith('ros2 service call /recorder/record std_srvs/srv/SetBool')


def test_an_error_in_the_diagnostics_fails_and_a_detector_elsewhere_is_warned_of(graph, look):
    report = NodeReport(
        name='drone/detector: detection',
        level=2,
        message='No image on /x for 9 s.',
        values={'state': 'active', 'topic': '/x'},
    )
    finding = next(
        f for f in check_nodes(GraphSnapshot(reports=(report,))) if f.subject == 'detector'
    )
    assert finding.verdict is Verdict.FAIL and '/drone/detector' in finding.message
    publish_images(graph.node('camera'), '/camera/image')
    seen = GraphSnapshot(images=look(images_arrive).images, reports=(report,))
    (finding,) = check_images(seen, image_topic=None, listened_s=1.5)
    assert finding.verdict is Verdict.WARN and finding.remedy.endswith('image:=/camera/image')


def test_only_segments_of_dead_processes_are_called_stale(graph, tmp_path):
    """Seen through a folder that holds one process's files alone: others come and go."""
    before = set(SHM.iterdir())
    process = graph.start('roof_detector.ros.recorder.recorder_node')
    probe = graph.node('probe')
    graph.wait_until(
        lambda: probe.count_publishers('/diagnostics') > 0, within_s=60.0, what='the recorder'
    )
    mapped = Path(f'/proc/{process.pid}/maps').read_text()
    own = {path for path in set(SHM.iterdir()) - before if path.name in mapped}
    segments = {path for path in own if not path.name.startswith(('fastrtps_port', 'sem.'))}
    assert any(path.stat().st_size > 500_000 for path in segments)
    folder = SHM / f'roof_detector_test_{process.pid}'
    folder.mkdir()
    for path in segments:
        # Hard links, within the one file system, so that locks and sizes are the files' own.
        for name in (path.name, f'{path.name}_el'):
            if (SHM / name).exists():
                (folder / name).hardlink_to(SHM / name)
    memory = SharedMemory(folder)
    try:
        assert memory.stale_bytes() == 0
        process.kill()
        process.wait()
        assert memory.stale_bytes() > 500_000
    finally:
        shutil.rmtree(folder)


def test_frames_that_the_segment_cannot_hold_fail_before_take_off(graph, look, tmp_path):
    publish_images(graph.node('camera'), '/camera/image')
    (topic,) = look(images_arrive).images
    path = tmp_path / 'profile.xml'
    path.write_text(
        '<profiles><transport_descriptors><transport_descriptor>'
        '<transport_id>small</transport_id><type>SHM</type><segment_size>4096</segment_size>'
        '</transport_descriptor></transport_descriptors>'
        '<participant profile_name="p" is_default_profile="true"><rtps><userTransports>'
        '<transport_id>small</transport_id></userTransports></rtps></participant></profiles>'
    )
    finding = check_dds(
        frame_bytes=topic.largest_bytes, environment={'FASTRTPS_DEFAULT_PROFILES_FILE': str(path)}
    )[0]
    assert finding.verdict is Verdict.FAIL and "the camera's images" in finding.message
