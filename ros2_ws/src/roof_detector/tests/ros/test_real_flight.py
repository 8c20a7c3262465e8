# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A real orthophoto, flown over: bag to camera to detector to recorder, all of it over DDS."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.qos import QoSProfile
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
SIZE_WH = (1280, 720)
FRAMES = 60
RATE_HZ = 10
FOCAL_PX = 1000.0
START_NS = 1_790_000_000_000_000_000
EARTH_RADIUS_M = 6_378_137.0  # of the sphere that EPSG:3857 projects

pytestmark = pytest.mark.skipif(
    not (DATA / 'kampala').is_dir(),
    reason='shared data is absent: set ROOF_DETECTOR_DATA to its folder',
)


class Georeference:
    """Where on Earth a pixel of the orthophoto lies."""

    def __init__(self, folder):
        facts = json.loads((folder / 'georeference.json').read_text())
        self.width, self.height = facts['size_wh']
        self.west, self.east = facts['west'], facts['east']
        self.north_y, self.south_y = (mercator_y(facts[side]) for side in ('north', 'south'))
        self.metres_per_pixel = facts['metres_per_pixel']

    def latitude_longitude(self, x, y):
        mercator = self.north_y + (self.south_y - self.north_y) * y / self.height
        latitude = math.degrees(2 * math.atan(math.exp(mercator)) - math.pi / 2)
        return latitude, self.west + (self.east - self.west) * x / self.width


def mercator_y(latitude_deg):
    return math.log(math.tan(math.pi / 4 + math.radians(latitude_deg) / 2))


def survey(photo):
    """Yield the window's corner for each frame: there on one row, back on the next."""
    right = photo.width - SIZE_WH[0]
    rows = [0, (photo.height - SIZE_WH[1]) // 2, photo.height - SIZE_WH[1]]
    for i in range(FRAMES):
        along = i * len(rows) / FRAMES
        row, part = int(along), along % 1
        yield round(right * (part if row % 2 == 0 else 1 - part)), rows[row]


TELEMETRY = ('/camera/fix', '/camera/pose', '/camera/camera_info')


@pytest.fixture(scope='module')
def recorded_flight(tmp_path_factory):
    folder = DATA / 'kampala'
    photo = Georeference(folder)
    pixels = cv2.imread(str(folder / 'orthophoto.png'))
    path = tmp_path_factory.mktemp('flight') / 'kampala'
    origin = photo.latitude_longitude(0, 0)
    altitude_m = FOCAL_PX * photo.metres_per_pixel
    types = {
        '/camera/image': 'sensor_msgs/msg/Image',
        '/camera/fix': 'sensor_msgs/msg/NavSatFix',
        '/camera/pose': 'geometry_msgs/msg/PoseStamped',
        '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
    }
    with BagWriter(path, compression='none') as bag:
        for topic, kind in types.items():
            bag.add_topic(topic, kind)
        for i, (x, y) in enumerate(survey(photo)):
            stamp_ns = START_NS + i * 1_000_000_000 // RATE_HZ
            stamp = {'sec': stamp_ns // 10**9, 'nanosec': stamp_ns % 10**9}
            header = {'stamp': stamp, 'frame_id': 'camera_optical_frame'}
            window = pixels[y : y + SIZE_WH[1], x : x + SIZE_WH[0]]
            centre = photo.latitude_longitude(x + SIZE_WH[0] / 2, y + SIZE_WH[1] / 2)
            north_m = math.radians(centre[0] - origin[0]) * EARTH_RADIUS_M
            east_m = (
                math.radians(centre[1] - origin[1])
                * EARTH_RADIUS_M
                * math.cos(math.radians(origin[0]))
            )
            values = {
                '/camera/image': {
                    'header': header,
                    'height': SIZE_WH[1],
                    'width': SIZE_WH[0],
                    'encoding': 'bgr8',
                    'step': SIZE_WH[0] * 3,
                    'data': np.ascontiguousarray(window).reshape(-1),
                },
                '/camera/fix': {
                    'header': header,
                    'latitude': centre[0],
                    'longitude': centre[1],
                    'altitude': 1200.0 + altitude_m,
                },
                '/camera/pose': {
                    'header': {'stamp': stamp, 'frame_id': 'map'},
                    'pose': {
                        'position': {'x': east_m, 'y': north_m, 'z': altitude_m},
                        # Optical frame looking down, image up to the north: half a turn about x.
                        'orientation': {'x': 1.0, 'y': 0.0, 'z': 0.0, 'w': 0.0},
                    },
                },
                '/camera/camera_info': {
                    'header': header,
                    'height': SIZE_WH[1],
                    'width': SIZE_WH[0],
                    'distortion_model': 'plumb_bob',
                    'k': [FOCAL_PX, 0, SIZE_WH[0] / 2, 0, FOCAL_PX, SIZE_WH[1] / 2, 0, 0, 1],
                },
            }
            for topic, content in values.items():
                bag.write(
                    topic,
                    message_bytes(types[topic], content),
                    log_time_ns=stamp_ns,
                    publish_time_ns=stamp_ns,
                )
    return path


def received_by_recorder(probe, topics):
    """Return how many messages of each topic the recorder has, by its newest report."""
    statuses = [one for array in probe.reports for one in array.status]
    reports = [one for one in statuses if one.name == 'recorder: bag']
    values = {pair.key: pair.value for pair in reports[-1].values} if reports else {}
    return {topic: int(values.get(f'received.{topic}', 0)) for topic in topics}


def test_a_recorded_flight_is_detected_and_recorded_frame_by_frame(
    graph, make_probe, recorded_flight, tmp_path
):
    remap = ['-r', 'image:=/camera/image']
    probe = make_probe(graph, wait=False, remappings=remap)
    sent = []
    probe.node.create_subscription(
        Image, '/camera/image', lambda image: sent.append(image.header), QoSProfile(depth=50)
    )
    recorder = graph.start(
        'roof_detector.ros.recorder.recorder_node',
        '--ros-args',
        *('-p', 'record:=true', '-p', f'output_directory:={tmp_path}', '-p', 'bag_name:=result'),
    )
    probe.report_when(lambda values: values.get('state') == 'active')
    camera = graph.start(
        'roof_detector.ros.camera.camera_node',
        '--ros-args',
        *('-p', f'source:={recorded_flight}', '-p', 'wait_for_subscribers:=2'),
        *('-p', 'wait_for_all_topics:=true'),
    )
    graph.wait_until(lambda: camera.poll() is not None, within_s=120, what='the end of the flight')
    assert camera.returncode == 0, camera.communicate()[0]
    report = probe.report_when(
        lambda values: values['frames_waiting'] == '0' and int(values['frames_seen']) >= FRAMES
    )
    processed = int(report['frames_processed'])
    assert processed > 0
    assert processed + int(report['frames_dropped']) == FRAMES
    probe.wait_for_results(processed)

    graph.wait_until(lambda: len(sent) == FRAMES, what='all frames of the camera')
    assert len(probe.results) == processed
    stamps = {(header.stamp.sec, header.stamp.nanosec) for header in sent}
    assert len(stamps) == FRAMES
    for result in probe.results:
        assert result.header in sent
        assert result.header.frame_id == 'camera_optical_frame'

    received = {'/detector/detections': processed} | dict.fromkeys(TELEMETRY, FRAMES)
    graph.wait_until(lambda: received_by_recorder(probe, received) == received, what='the bag')
    assert graph.stop(probe.process)[0] == 0
    code, output = graph.stop(recorder)
    assert code == 0, output
    counts, shapes = {}, set()
    with AnyReader([tmp_path / 'result']) as reader:
        counts = {topic: info.msgcount for topic, info in reader.topics.items()}
        annotated = '/detector/image_annotated/compressed'
        wanted = [c for c in reader.connections if c.topic == annotated]
        for connection, _, data in reader.messages(wanted):
            jpeg = reader.deserialize(data, connection.msgtype).data
            shapes.add(cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape)
    assert counts['/detector/detections'] == processed
    for topic in TELEMETRY:
        assert counts[topic] == FRAMES, topic
    assert counts['/detector/labels'] == 1
    assert shapes == {(SIZE_WH[1], SIZE_WH[0], 3)}
