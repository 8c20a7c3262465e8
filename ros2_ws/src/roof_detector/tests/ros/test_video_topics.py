# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detector on topics of compressed video, over DDS, with streams that PyAV encoded."""

from __future__ import annotations

import cv2
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.messages import byte_array
from roof_detector.ros.detector import video_intake

GOP = 4
KINDS = {
    'ffmpeg': 'ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
    'foxglove': 'foxglove_msgs/msg/CompressedVideo',
}


class VideoCamera:
    """Publishes packets of one transport, and hears what the detector says of them."""

    def __init__(self, graph, transport):
        self.graph, self.transport = graph, transport
        self.type = message_class(KINDS[transport])
        assert self.type is not None, 'make setup builds the messages'
        self.node = graph.node('camera')
        self.results, self.reports, self.headers = [], [], []
        self.packets = self.node.create_publisher(
            self.type, f'image/{transport}', QoSProfile(depth=50)
        )
        self.node.create_subscription(
            Detection2DArray, '/detector/detections', self.results.append, QoSProfile(depth=100)
        )
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._report, 10)
        options = (f'image_transport:={transport}', 'backend:=onnxruntime', 'threads:=1')
        self.process = graph.start(
            'roof_detector.ros.detector.detector_node',
            '--ros-args',
            *(text for one in options for text in ('-p', one)),
        )
        graph.wait_until(
            lambda: graph.is_heard(self.node, self.packets), within_s=120, what='a detector'
        )

    def _report(self, array):
        self.reports += [
            {pair.key: pair.value for pair in status.values} | {'message': status.message}
            for status in array.status
            if status.name.startswith('detector')
        ]

    def send(self, data, *, encoding):
        header = Header(stamp=self.node.get_clock().now().to_msg(), frame_id='lens')
        self.headers.append(header)
        if self.transport == 'ffmpeg':
            message = self.type(header=header, encoding=encoding, data=byte_array(data))
        else:
            message = self.type(
                timestamp=header.stamp, frame_id='lens', format=encoding, data=byte_array(data)
            )
        self.packets.publish(message)
        return header

    def result_of(self, header):
        self.graph.wait_until(
            lambda: any(one.header == header for one in self.results),
            within_s=120,
            what='the result of a packet',
        )
        return next(one for one in self.results if one.header == header)

    def report_when(self, condition):
        count = len(self.reports)
        self.graph.wait_until(
            lambda: any(condition(one) for one in self.reports[count:]),
            within_s=60,
            what='the expected report',
        )
        return next(one for one in self.reports[count:] if condition(one))


@pytest.mark.parametrize(
    ('transport', 'codec', 'encoding'),
    [('ffmpeg', 'libx264', 'libx264;yuv420p;bgr8;bgr8'), ('foxglove', 'libx265', 'h265')],
)
def test_a_stream_is_detected_in_from_its_keyframe_on_and_says_what_it_lost(
    graph, roof_bgr, encode_video, transport, codec, encoding
):
    image = cv2.resize(roof_bgr, (640, 360))
    packets = [data for _, data, _ in encode_video([image] * 3 * GOP, codec=codec, gop=GOP)]
    camera = VideoCamera(graph, transport)

    for data in packets[1:GOP]:  # joined midway
        camera.send(data, encoding=encoding)
    waiting = camera.report_when(
        lambda report: report.get('dropped.awaiting_keyframe') == f'{GOP - 1}'
    )
    assert 'awaiting_keyframe' in waiting['message']
    assert waiting['video_waits_for_keyframe'] == 'true'

    header = camera.send(packets[GOP], encoding=encoding)
    assert len(camera.result_of(header).detections) >= 3
    header = camera.send(packets[GOP + 1], encoding=encoding)
    assert len(camera.result_of(header).detections) >= 3

    camera.send(packets[GOP + 2][:6] + b'\x55' * 400, encoding=encoding)  # damaged
    camera.send(packets[GOP + 3], encoding='vp9')
    unknown = camera.report_when(lambda report: report.get('dropped.encoding') == '1')
    assert unknown['dropped.packet'] == '1'
    assert unknown['frames_seen'] == f'{GOP + 3}' and unknown['frames_processed'] == '2'

    # A burst: every packet is decoded, the newest picture has a result.
    for data in packets[2 * GOP :]:
        header = camera.send(data, encoding=encoding)
    assert len(camera.result_of(header).detections) >= 3
    end = camera.report_when(
        lambda report: (
            report.get('frames_seen') == f'{2 * GOP + 3}' and report['frames_waiting'] == '0'
        )
    )
    assert int(end['frames_processed']) + int(end['frames_dropped']) == 2 * GOP + 3
    assert end['video_codec'] == ('h264' if codec == 'libx264' else 'hevc')
    code, output = graph.stop(camera.process)
    assert code == 0, output


def test_a_transport_whose_messages_are_missing_names_the_package(monkeypatch):
    monkeypatch.setattr(video_intake, 'message_class', lambda _: None)
    with pytest.raises(
        ParameterError, match=r'sudo apt install ros-.*-ffmpeg-image-transport-msgs'
    ):
        video_intake.video_message_class('ffmpeg')
