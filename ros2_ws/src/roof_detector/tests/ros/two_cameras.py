# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A detector of two cameras in a process of its own, and all that it answers."""

from __future__ import annotations

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.messages import compressed_message, image_message

PATIENCE_S = 60.0
PICTURE_BGR = np.random.default_rng(5).integers(0, 255, (48, 64, 3), np.uint8)


class TwoCameras:
    """A detector of two cameras in a process of its own, and what it answers."""

    def __init__(self, graph, model, *, transport='raw', arguments=()):
        self.graph = graph
        self.node = graph.node(f'cameras_{transport}')
        kind, suffix = {'raw': (Image, ''), 'compressed': (CompressedImage, '/compressed')}[
            transport
        ]
        self.kind = kind
        self.results = {'left': [], 'right': []}
        self.values = {}
        self.levels = {}
        self.told_at = Time()
        self.sent = {'left': 0, 'right': 0}
        self.publishers = {}
        for name, results in self.results.items():
            topic = f'{name}/image{suffix}'
            self.publishers[name] = self.node.create_publisher(kind, topic, QoSProfile(depth=10))
            self.node.create_subscription(
                Detection2DArray, f'/detector/{name}/detections', results.append, 100
            )
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)
        parameters = [
            "cameras:=['left','right']",
            f'model:={model}',
            'backend:=onnxruntime',
            'threads:=1',
            'batch:=never',
            f'image_transport:={transport}',
            *arguments,
        ]
        options = [text for one in parameters for text in ('-p', one)]
        self.process = graph.start(
            'roof_detector.ros.detector.detector_node', '--ros-args', *options
        )
        # A test that hears its reports, which began last, has been heard of by all its outputs.
        graph.wait_until(
            lambda: (
                all(graph.is_heard(self.node, one) for one in self.publishers.values())
                and all(self.status(name) for name in self.publishers)
            ),
            within_s=PATIENCE_S,
            what='a detector that listens to both cameras',
        )
        # Frames are counted from the first that arrives: one that a second one displaces before
        # that is not.
        for name, results in self.results.items():
            self.send(name, self.good())
            graph.wait_until(
                lambda results=results: results,
                within_s=PATIENCE_S,
                what=f'a first frame of {name}',
            )

    def _note(self, array):
        self.told_at = array.header.stamp
        for status in array.status:
            self.values[status.name] = {pair.key: pair.value for pair in status.values}
            self.levels[status.name] = status

    def send(self, name, message):
        self.publishers[name].publish(message)
        self.sent[name] += 1

    def good(self, stamp=None):
        stamp = stamp or self.node.get_clock().now().to_msg()
        header = Header(stamp=stamp, frame_id='good')
        if self.kind is Image:
            return image_message(PICTURE_BGR, encoding='bgr8', header=header)
        jpeg = cv2.imencode('.jpg', PICTURE_BGR)[1]
        return compressed_message(jpeg, header=header)

    def expect_results(self, name, *, stamp=None):
        """Send good frames until one has its result; a newer frame may displace an older one."""
        stamps = []

        def has_result():
            if len(stamps) < 100:
                message = self.good(stamp)
                stamps.append(message.header.stamp)
                self.send(name, message)
            return any(one.header.stamp in stamps for one in self.results[name])

        self.results[name].clear()
        self.graph.wait_until(has_result, within_s=PATIENCE_S, what=f'a result of {name}')

    def wait_for_next_report(self):
        """Wait for what the detector says of itself after this moment; older words may wait."""
        now = self.node.get_clock().now().to_msg()
        self.graph.wait_until(
            lambda: (self.told_at.sec, self.told_at.nanosec) > (now.sec, now.nanosec),
            within_s=PATIENCE_S,
            what='a report',
        )

    def status(self, name):
        return self.values.get(f'detector/{name}: detection', {})

    def settled(self):
        """Wait until every frame sent is accounted for and return the values of both."""

        def is_settled():
            return all(
                int(self.status(name).get('frames_seen', -1)) >= sent
                and self.status(name)['frames_waiting'] == '0'
                for name, sent in self.sent.items()
            )

        try:
            self.graph.wait_until(is_settled, within_s=PATIENCE_S, what='every frame accounted')
        except AssertionError as error:
            msg = f'{error}: sent {self.sent}, told {self.values}'
            raise AssertionError(msg) from error
        for name, sent in self.sent.items():
            values = self.status(name)
            dropped = {
                key: int(value) for key, value in values.items() if key.startswith('dropped.')
            }
            assert int(values['frames_seen']) == sent
            assert int(values['frames_processed']) + sum(dropped.values()) == sent
        return {name: self.status(name) for name in self.sent}
