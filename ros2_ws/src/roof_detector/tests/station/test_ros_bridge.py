# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever is published, the station goes on to show what good messages say."""

from __future__ import annotations

import asyncio
import math
from random import Random

import cv2
import numpy as np
import pytest
from any_message import any_bytes, any_message
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcl_interfaces.msg import ParameterEvent
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_graph import Graph
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose

from roof_detector.ros.common.messages import compressed_message
from roof_detector.station.box_text import box_text
from roof_detector.station.ros_bridge import RosBridge

JPEG = cv2.imencode('.jpg', np.zeros((48, 64, 3), np.uint8))[1]


class Sky:
    """A stranger and a detector in one, and the station's thread that listens."""

    def __init__(self, graph):
        import rclpy

        self.graph = graph
        self.node = graph.node('sky')
        station = rclpy.create_node('station', context=graph.context)
        self.bridge = RosBridge(station)
        self.station = station
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.publishers = {
            LabelInfo: self.node.create_publisher(LabelInfo, '/detector/labels', latched),
            Detection2DArray: self.node.create_publisher(
                Detection2DArray, '/detector/detections', 50
            ),
            CompressedImage: self.node.create_publisher(
                CompressedImage, '/detector/image_annotated/compressed', 50
            ),
            DiagnosticArray: self.node.create_publisher(DiagnosticArray, '/diagnostics', 50),
            ParameterEvent: self.node.create_publisher(ParameterEvent, '/parameter_events', 50),
        }
        self.good = 0

    def detection(self, *, stamp=None, label='drain', score=0.9, x=20.0, size=8.0):
        header = Header(stamp=stamp or self.node.get_clock().now().to_msg())
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = label, score
        detection = Detection2D(header=header, results=[result])
        detection.bbox.center.position.x = detection.bbox.center.position.y = x
        detection.bbox.size_x = detection.bbox.size_y = size
        return Detection2DArray(header=header, detections=[detection])

    def camera(self):
        (camera,) = (one for one in self.bridge.cameras if one.name == '/detector')
        return camera

    def expect_all_is_shown(self):
        """Send good messages of every kind until the station shows each of them."""
        self.good += 1
        before = self.camera().video.sequence if self.bridge.cameras else 0
        label, report = f'good {self.good}', f'good {self.good}: detection'

        def is_shown():
            detection = self.detection(label=label)
            self.publishers[Detection2DArray].publish(detection)
            jpeg = compressed_message(JPEG, header=detection.header)
            self.publishers[CompressedImage].publish(jpeg)
            status = DiagnosticStatus(name=report, message='well')
            self.publishers[DiagnosticArray].publish(DiagnosticArray(status=[status]))
            if not self.bridge.cameras:
                return False
            video = self.camera().video
            seen = asyncio.run(video.after(0, width=0, quality=80, within_s=0.01))
            if not seen[1] or video.sequence <= before:
                return False
            shown = {one.label for one in self.camera().log.findings}
            return label in shown and self.bridge.report(f'good {self.good}') is not None

        self.graph.wait_until(is_shown, what='all that was sent on the page')


@pytest.fixture(scope='module')
def sky():
    graph = Graph()
    sky = Sky(graph)
    with sky.bridge:
        yield sky
    sky.station.destroy_node()
    graph.close()


ODD = {
    'negative stamp': {'stamp': Time(sec=-1)},
    'greatest stamp': {'stamp': Time(sec=2**31 - 1, nanosec=2**32 - 1)},
    'no stamp': {'stamp': Time()},
    'nan box': {'x': math.nan},
    'infinite box': {'size': math.inf},
    'negative box': {'size': -4.0},
    'nan score': {'score': math.nan},
    'score': {'score': 17.0},
    'long label': {'label': 'x' * 100_000},
}


@pytest.mark.parametrize('values', ODD.values(), ids=ODD)
def test_after_an_odd_detection_good_ones_are_shown(sky, values):
    sky.expect_all_is_shown()
    sky.publishers[Detection2DArray].publish(sky.detection(**values))
    sky.expect_all_is_shown()
    log = sky.camera().log
    for finding in log.findings:
        assert 0 <= finding.confidence <= 1
        assert box_text(finding.box_xyxy)
    log.sample()
    for sample in log.samples:
        assert sample.age_s is None or 0 <= sample.age_s < 60


def test_what_is_refused_is_counted_in_the_stations_own_diagnostics(sky):
    sky.expect_all_is_shown()
    before = sky.camera().log.refused['not a detection']
    sky.publishers[Detection2DArray].publish(sky.detection(score=math.nan))

    def is_counted():
        report = sky.bridge.report('station')
        shown = 0 if report is None else int(report.values.get('refused.not a detection', 0))
        return shown > before

    sky.graph.wait_until(is_counted, what='the count')
    assert 'callback_errors' in sky.bridge.report('station').values


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seeds=st.lists(st.integers(0, 2**32), max_size=40),
    raw=st.booleans(),
)
def test_after_any_messages_good_ones_are_shown(sky, seeds, raw):
    sky.expect_all_is_shown()
    for seed in seeds:
        random = Random(seed)
        kind = random.choice(list(sky.publishers))
        make = any_bytes if raw else any_message
        sky.publishers[kind].publish(make(kind, random))
        sky.graph.executor.spin_once(timeout_sec=0.002)
    sky.expect_all_is_shown()


def test_names_without_end_do_not_fill_the_station(sky):
    for k in range(30):
        statuses = [DiagnosticStatus(name=f'stranger {k} {n}: x') for n in range(50)]
        sky.publishers[DiagnosticArray].publish(DiagnosticArray(status=statuses))
    sky.graph.wait_until(lambda: sky.bridge.refused, what='a refusal')
    assert len(sky.bridge.diagnostics) <= 500
