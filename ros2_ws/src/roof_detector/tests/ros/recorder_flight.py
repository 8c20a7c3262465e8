# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from roof_detector.ros.recorder.recorder_node import RecorderNode


class Flight:
    """A recorder under test, and a node that speaks to it."""

    def __init__(self, graph, folder):
        self.graph = graph
        self.folder = folder
        self.node = graph.node('pilot')
        self.status = None
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._take, 10)

    def recorder(self, *, arguments=(), **parameters):
        values = {
            'record': True,
            'output_directory': str(self.folder),
            'topics': ['/detector/detections', '/detector/labels'],
            'min_free_gb': 0.0,
            **parameters,
        }
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        node = RecorderNode(
            context=self.graph.context,
            cli_args=['--ros-args', *arguments],
            parameter_overrides=overrides,
        )
        return self.graph.add(node)

    def publisher(self, message_type, topic, qos=10):
        return self.node.create_publisher(message_type, topic, qos)

    def wait_for_listener(self, publisher):
        self.graph.wait_until(
            lambda: publisher.get_subscription_count() > 0, what=f'a listener on {publisher.topic}'
        )

    def wait_for(self, key, value):
        self.graph.wait_until(lambda: self.value(key) == value, what=f'{key} = {value}')

    def value(self, key):
        values = self.status.values if self.status else ()
        return next((item.value for item in values if item.key == key), None)

    def record(self, on):
        return self.graph.call(self.node, SetBool, '/recorder/record', SetBool.Request(data=on))

    def stopped_bag(self):
        response = self.record(False)
        assert response.success, response.message
        return Path(response.message)

    def set_parameters(self, node, **values):
        parameters = [
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
        ]
        request = SetParameters.Request(parameters=parameters)
        response = self.graph.call(self.node, SetParameters, f'/{node}/set_parameters', request)
        assert all(result.successful for result in response.results), response.results

    def _take(self, array):
        for status in array.status:
            if status.name == 'recorder: bag':
                self.status = status
