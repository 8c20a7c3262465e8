# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detector on topics of compressed video, over DDS, with streams that PyAV encoded."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import cv2
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.bags.reader import BagReader
from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.graph_watch import snapshot_graph
from roof_detector.doctor.images import check_images
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.open_input import open_recording
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.messages import byte_array
from roof_detector.ros.detector import video_intake
from roof_detector.station.ros_bridge import RosBridge
from roof_detector.vision.encodings import decode_jpeg

GOP = 4
KINDS = {
    'ffmpeg': 'ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
    'foxglove': 'foxglove_msgs/msg/CompressedVideo',
}


class Encoder:
    """A camera node that publishes packets of one transport; a listener needs every one."""

    def __init__(self, graph, transport):
        self.transport = transport
        self.type = message_class(KINDS[transport])
        assert self.type is not None, 'make setup builds the messages'
        self.node = graph.node(f'{transport}_camera')
        self.packets = self.node.create_publisher(
            self.type, f'/image/{transport}', QoSProfile(depth=50)
        )

    def send(self, data, *, encoding):
        stamp = self.node.get_clock().now().to_msg()
        if self.transport == 'ffmpeg':
            header = Header(stamp=stamp, frame_id='lens')
            message = self.type(header=header, encoding=encoding, data=byte_array(data))
        else:
            message = self.type(
                timestamp=stamp, frame_id='lens', format=encoding, data=byte_array(data)
            )
        self.packets.publish(message)
        return message

    def send_again_and_again(self, packets, *, encoding):
        turn = cycle(packets)
        self.node.create_timer(0.02, lambda: self.send(next(turn), encoding=encoding))


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
        # A test that hears its reports, which began last, has been heard of by its other outputs.
        graph.wait_until(
            lambda: self.reports and graph.is_heard(self.node, self.packets),
            within_s=120,
            what='a detector',
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
    # Five seconds after its start that is worse, however long this computer took for them.
    assert re.search('awaiting_keyframe|No result for', waiting['message'])
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


ENCODINGS = {'ffmpeg': ('libx264', 'libx264;yuv420p'), 'foxglove': ('libx265', 'h265')}


@pytest.fixture(params=ENCODINGS)
def encoder(request, graph):
    return Encoder(graph, request.param)


@pytest.fixture
def stream(encoder, encode_video, roof_bgr):
    """Return the packets of a video, whether each is a keyframe, and what they call themselves."""
    codec, encoding = ENCODINGS[encoder.transport]
    image = cv2.resize(roof_bgr, (640, 360))
    packets = encode_video([image] * 3 * GOP, codec=codec, gop=GOP)
    return [(data, is_key) for _, data, is_key in packets], encoding


@pytest.fixture
def examine(graph, encoder, monkeypatch):
    """Return what the doctor finds of the camera's topic once packets have come."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.domain_id))

    def look():
        for _ in range(20):  # discovery takes as long as the machine is busy
            with ThreadPoolExecutor(1) as pool:
                looking = pool.submit(snapshot_graph, listen_s=1.0)
                graph.wait_until(looking.done, what='the look')
            topics = [one for one in looking.result().images if one.received > 2 * GOP]
            if topics:
                (finding,) = check_images(
                    looking.result(), image_topic=topics[0].name, listened_s=1.0
                )
                return finding
        pytest.fail('no packet came')

    return look


def test_the_doctor_knows_a_video_topic_and_its_codec(encoder, stream, examine):
    packets, encoding = stream
    encoder.send_again_and_again([data for data, _ in packets], encoding=encoding)
    finding = examine()
    assert finding.verdict is Verdict.OK, finding
    assert encoder.type.__name__ in finding.message and encoding in finding.message


def test_the_doctor_says_why_a_video_shows_nothing(encoder, stream, examine):
    packets, encoding = stream
    encoder.send_again_and_again([d for d, is_key in packets if not is_key], encoding=encoding)
    finding = examine()
    assert finding.verdict is Verdict.FAIL and 'was a keyframe' in finding.message
    assert 'a keyframe each second' in finding.remedy


@pytest.mark.parametrize(
    ('data', 'encoding', 'why'),
    [
        (b'\0\0\1\x65' + bytes(40), 'vp9', "'vp9' is not decoded here, expected H.264 or H.265"),
        (bytes(400), 'h264', 'holds no unit of h264 in Annex B'),
    ],
    ids=['unknown codec', 'not in Annex B'],
)
def test_the_doctor_says_what_no_decoder_takes(encoder, examine, data, encoding, why):
    encoder.send_again_and_again([data], encoding=encoding)
    finding = examine()
    assert finding.verdict is Verdict.FAIL and why in finding.message


def test_the_recorder_keeps_every_packet_whole_and_the_bag_is_an_input(flight, encoder, stream):
    packets, encoding = stream
    topic = encoder.packets.topic_name
    flight.recorder(topics=[topic], bag_name='bag')
    flight.wait_for_listener(encoder.packets)
    sent = [encoder.send(data, encoding=encoding) for data, _ in packets]
    flight.graph.wait_until(
        lambda: flight.value(f'received.{topic}') == str(len(sent)), what='the packets'
    )
    bag = flight.stopped_bag()
    with BagReader(bag) as reader:
        kept = [deserialize_message(one.data, encoder.type) for one in reader.messages([topic])]
    assert kept == sent
    with open_recording(bag) as source:
        assert sum(isinstance(one, Frame) for one in source.recorded()) == len(sent)


def test_the_station_shows_a_camera_of_video(graph, encoder, stream):
    packets, encoding = stream
    options = (f'image_transport:={encoder.transport}', 'backend:=onnxruntime', 'threads:=1')
    graph.start(
        'roof_detector.ros.detector.detector_node',
        '--ros-args',
        *(text for one in options for text in ('-p', one)),
    )
    encoder.send_again_and_again([data for data, _ in packets], encoding=encoding)
    station = rclpy.create_node('station', context=graph.context)
    with RosBridge(station) as bridge:
        graph.wait_until(lambda: bridge.cameras, what='the camera on the page')
        video = bridge.cameras[0].video
        shown = []

        def look():
            _, jpeg, _ = asyncio.run(video.after(0, width=0, quality=70, within_s=0.1))
            shown.append(jpeg)
            return jpeg

        graph.wait_until(look, what='an image on the page')
        assert decode_jpeg(shown[-1]).shape == (360, 640, 3)
    station.destroy_node()
