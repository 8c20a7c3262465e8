# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The other side of a detector node: a camera that sends, and ears for all that it answers."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo

from roof_detector.ros.common.messages import compressed_message, image_message

PATIENCE_S = 120.0


class DetectorProbe:
    def __init__(
        self,
        graph,
        *,
        image_qos=None,
        arguments=(),
        remappings=(),
        transport='raw',
        backend='onnxruntime',
        wait=True,
    ):
        self.graph = graph
        self.node = graph.node('probe')
        self.results = []
        self.labels = []
        self.reports = []
        kind, topic = {
            'raw': (Image, 'image'),
            'compressed': (CompressedImage, 'image/compressed'),
        }[transport]
        self.images = self.node.create_publisher(kind, topic, image_qos or QoSProfile(depth=5))
        self.node.create_subscription(
            Detection2DArray, '/detector/detections', self.results.append, QoSProfile(depth=100)
        )
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self.reports.append, QoSProfile(depth=10)
        )
        # A package runs in ONNX Runtime as it is; importing torch takes seconds.
        here = [f'image_transport:={transport}', f'backend:={backend}', 'threads:=1']
        parameters = [*here, *arguments]
        options = [*remappings, *(text for one in parameters for text in ('-p', one))]
        self.process = graph.start(
            'roof_detector.ros.detector.detector_node', '--ros-args', *options
        )
        if wait:
            # A test that hears its reports has been heard of before, by the results as well: a
            # node hears of readers in the order in which they began.
            graph.wait_until(
                lambda: (
                    self.node.count_publishers('/detector/detections')
                    and graph.is_heard(self.node, self.images)
                    and any(self._statuses())
                ),
                within_s=PATIENCE_S,
                what='an active detector',
            )

    def _statuses(self, *, since=0):
        """Return the detector's statuses since a report, the newest first."""
        return [
            status
            for array in reversed(self.reports[since:])
            for status in array.status
            if status.name.startswith('detector')
        ]

    def stamp(self):
        return self.node.get_clock().now().to_msg()

    def send(self, image, *, stamp=None):
        """Send an image in BGR, or the bytes of a JPEG where the transport is compressed."""
        header = Header(stamp=stamp or self.stamp(), frame_id='camera_optical_frame')
        self.images.publish(
            compressed_message(image, header=header)
            if isinstance(image, bytes)
            else image_message(image, encoding='bgr8', header=header)
        )
        return header

    def send_and_wait(self, image):
        count = len(self.results)
        header = self.send(image)
        self.wait_for_results(count + 1)
        assert self.results[-1].header == header
        return self.results[-1]

    def wait_for_results(self, count):
        self.graph.wait_until(
            lambda: len(self.results) >= count, within_s=PATIENCE_S, what=f'{count} results'
        )

    def report(self):
        """Return the values of the next diagnostic status."""
        count = len(self.reports)
        self.graph.wait_until(lambda: self._statuses(since=count), what='a diagnostic status')
        status = self._statuses(since=count)[0]
        return {pair.key: pair.value for pair in status.values} | {'message': status.message}

    def report_when(self, condition):
        """Return the first report for which a condition holds.

        It does not for one that lacks a value: a node that is starting or busy says less.
        """
        seen = []

        def holds():
            seen.append(self.report())
            try:
                return condition(seen[-1])
            except KeyError:
                return False

        self.graph.wait_until(holds, what='the expected report')
        return seen[-1]

    def set(self, name, value):
        """Set a parameter and return the node's answer."""
        kinds = {
            bool: ('bool_value', ParameterType.PARAMETER_BOOL),
            int: ('integer_value', ParameterType.PARAMETER_INTEGER),
            float: ('double_value', ParameterType.PARAMETER_DOUBLE),
            str: ('string_value', ParameterType.PARAMETER_STRING),
            list: ('string_array_value', ParameterType.PARAMETER_STRING_ARRAY),
        }
        field, kind = kinds[type(value)]
        parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
        request = SetParametersAtomically.Request(parameters=[parameter])
        return self.graph.call(
            self.node, SetParametersAtomically, '/detector/set_parameters_atomically', request
        ).result

    def listen_for_labels(self):
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(LabelInfo, '/detector/labels', self.labels.append, latched)
        self.graph.wait_until(lambda: self.labels, what='the latched labels')
        return self.labels[-1]
