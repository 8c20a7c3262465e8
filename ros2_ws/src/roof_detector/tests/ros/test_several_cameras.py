# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Two cameras of different rates, sizes and contents on one model, over DDS."""

from __future__ import annotations

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.messages import image_message

PATIENCE_S = 120.0
CAMERAS = {'front': '/front/image', 'down': '/belly/image_raw'}
EMPTY_BGR = np.full((240, 320, 3), 127, np.uint8)


class Cameras:
    """Two cameras that share a detector, and what it answers to each."""

    def __init__(self, graph, *arguments):
        self.graph = graph
        self.node = graph.node('cameras')
        self.statuses = {}
        self.results = {name: [] for name in CAMERAS}
        self.sent = {name: [] for name in CAMERAS}
        self.publishers = {
            name: self.node.create_publisher(Image, topic, QoSProfile(depth=5))
            for name, topic in CAMERAS.items()
        }
        for name, results in self.results.items():
            self.node.create_subscription(
                Detection2DArray,
                f'/detector/{name}/detections',
                results.append,
                QoSProfile(depth=100),
            )
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)
        names = "cameras:=['front','down:/belly/image_raw']"
        parameters = [names, 'backend:=onnxruntime', 'threads:=1', *arguments]
        options = [text for one in parameters for text in ('-p', one)]
        self.process = graph.start(
            'roof_detector.ros.detector.detector_node', '--ros-args', *options
        )
        # A test that hears its reports, which began last, has been heard of by all its outputs.
        graph.wait_until(
            lambda: (
                all(graph.is_heard(self.node, one) for one in self.publishers.values())
                and all(self.values(name) for name in CAMERAS)
            ),
            within_s=PATIENCE_S,
            what='a detector that listens to both cameras',
        )

    def _note(self, array):
        self.statuses.update((status.name, status) for status in array.status)

    def send(self, name, image_bgr):
        header = Header(
            stamp=self.node.get_clock().now().to_msg(), frame_id=f'{name}_optical_frame'
        )
        self.publishers[name].publish(image_message(image_bgr, encoding='bgr8', header=header))
        self.sent[name].append(header)

    def values(self, name):
        status = self.statuses.get(f'detector/{name}: detection')
        return {} if status is None else {pair.key: pair.value for pair in status.values}

    def wait_for_account(self):
        def is_given():
            return all(
                self.values(name).get('frames_seen') == str(len(self.sent[name]))
                and self.values(name)['frames_waiting'] == '0'
                for name in CAMERAS
            )

        try:
            self.graph.wait_until(is_given, what='an account of every frame')
        except AssertionError as error:
            sent = {name: len(headers) for name, headers in self.sent.items()}
            msg = f'{error}: sent {sent}, told {[self.values(name) for name in CAMERAS]}'
            raise AssertionError(msg) from error


@pytest.mark.parametrize('batch', ['never', 'always'])
def test_each_camera_has_its_turn_its_headers_its_results_and_its_account(graph, roof_bgr, batch):
    cameras = Cameras(graph, f'batch:={batch}')
    slow = cameras.results['down']
    # Frames are counted from the first that arrives: one that a second one displaces before that
    # is not.
    cameras.send('front', roof_bgr)
    graph.wait_until(
        lambda: cameras.results['front'],
        within_s=PATIENCE_S,
        what='a first frame of the fast camera',
    )
    for turn in range(6):
        cameras.send('down', EMPTY_BGR)

        def answered(turn=turn):
            # The other camera goes on sending, faster than any model answers.
            cameras.send('front', roof_bgr)
            return len(slow) > turn

        graph.wait_until(answered, within_s=PATIENCE_S, what='an answer to the slow camera')
    cameras.wait_for_account()

    assert [result.header for result in slow] == cameras.sent['down'], 'a turn was left out'
    assert all(result.detections == [] for result in slow)
    fast = cameras.results['front']
    graph.wait_until(
        lambda: len(fast) == int(cameras.values('front')['frames_processed']),
        what='the results of the fast camera',
    )
    stamps = [(result.header.stamp.sec, result.header.stamp.nanosec) for result in fast]
    assert stamps == sorted(set(stamps))
    assert all(result.header in cameras.sent['front'] for result in fast)
    assert fast[-1].header == cameras.sent['front'][-1], 'the newest frame wins'
    assert all(result.detections for result in fast)
    for name in CAMERAS:
        values = cameras.values(name)
        done = int(values['frames_processed']) + int(values['frames_dropped'])
        assert done == len(cameras.sent[name])
    assert cameras.values('down')['frames_processed'] == '6'
    assert cameras.values('down')['topic'] == '/belly/image_raw'
    assert 'detections.drain' not in cameras.values('down')


def test_how_frames_of_several_cameras_run_is_measured_and_said(graph):
    cameras = Cameras(graph)
    code, output = graph.stop(cameras.process)
    assert code == 0, output
    assert '2 images take' in output and '(batch is auto)' in output
    assert 'Listening on /front/image, /belly/image_raw.' in output


def test_a_camera_without_a_proper_name_is_refused(graph):
    process = graph.start(
        'roof_detector.ros.detector.detector_node', '--ros-args', '-p', "cameras:=['front','1st']"
    )
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "cameras has '1st'" in output and 'Traceback' not in output
