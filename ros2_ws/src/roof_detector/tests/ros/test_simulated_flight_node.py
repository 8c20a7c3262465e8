# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The simulated flight as a process of its own, heard over DDS."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, NavSatFix
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.camera.simulated_flight_node import SimulatedFlightNode
from roof_detector.ros.camera.simulated_flight_parameters import (
    SIMULATED_FLIGHT_TABLE,
    flight_config,
)
from roof_detector.ros.common.errors import ParameterError
from roof_detector.simulation import CLASS_NAMES, FlightConfig, RoofWorld, SurveyFlight

MODULE = 'roof_detector.ros.camera.simulated_flight_node'
SEED = 1
SIZE_WH = (640, 384)
TOPICS = {
    'image': ('/camera/image', Image),
    'compressed': ('/camera/image/compressed', CompressedImage),
    'camera_info': ('/camera/camera_info', CameraInfo),
    'fix': ('/camera/fix', NavSatFix),
    'pose': ('/camera/pose', PoseStamped),
    'ground_truth': ('/camera/ground_truth', Detection2DArray),
}


def listen(graph):
    node = graph.node('ear')
    heard = {role: [] for role in TOPICS}
    for role, (topic, kind) in TOPICS.items():
        node.create_subscription(kind, topic, heard[role].append, QoSProfile(depth=100))
    return heard


def start(graph, **parameters):
    options = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    return graph.start(MODULE, '--ros-args', *options)


def ended(graph, process):
    graph.wait_until(lambda: process.poll() is not None, within_s=90, what='the end of the flight')
    graph.hear_out()
    return graph.stop(process)


def stamps(messages):
    return [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in messages]


def pixels(message):
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def boxes(message):
    centres = [(d.bbox.center.position.x, d.bbox.center.position.y) for d in message.detections]
    sizes = [(d.bbox.size_x, d.bbox.size_y) for d in message.detections]
    middle, half = np.array(centres).reshape(-1, 2), np.array(sizes).reshape(-1, 2) / 2
    return np.hstack([middle - half, middle + half])


def check_places(truth, info):
    """Check that each thing's place, seen through the camera, is near its box."""
    matrix = np.array(info.k).reshape(3, 3)
    for box, detection in zip(boxes(truth), truth.detections, strict=True):
        place = detection.results[0].pose.pose.position
        assert place.z > 1, 'it lies before the camera'
        x, y, _ = matrix @ (place.x, place.y, place.z) / place.z
        # A thing at the border has its middle outside its visible box.
        reach = np.maximum(box[2:] - box[:2], 20) * 2
        assert np.all(np.abs((box[:2] + box[2:]) / 2 - (x, y)) < reach)


def test_the_tables_defaults_are_the_simulations_own():
    values = {parameter.name: parameter.default for parameter in SIMULATED_FLIGHT_TABLE}
    assert flight_config(values) == FlightConfig()


def test_every_topic_bears_one_stamp_per_frame_and_says_what_the_simulation_knows(graph):
    heard = listen(graph)
    process = start(
        graph,
        seed=SEED,
        frames=4,
        width=SIZE_WH[0],
        height=SIZE_WH[1],
        altitude_m=18.0,
        transport='both',
        wait_for_subscribers=1,
        wait_for_all_topics=True,
    )
    config = FlightConfig(size_wh=SIZE_WH, altitude_m=18.0)
    flight = SurveyFlight(RoofWorld.generate(seed=SEED), config, seed=SEED)
    frames = [flight[index] for index in range(4)]
    code, output = ended(graph, process)
    assert code == 0, output
    assert 'Published 4 frames' in output

    times = stamps(heard['image'])
    assert len(times) == 4
    assert times == sorted(set(times))
    assert all(stamps(messages) == times for messages in heard.values())
    frames_of = {role: {m.header.frame_id for m in messages} for role, messages in heard.items()}
    assert frames_of.pop('pose') == {'map'}
    assert all(names == {'camera_optical_frame'} for names in frames_of.values())

    for k, frame in enumerate(frames):
        np.testing.assert_array_equal(pixels(heard['image'][k]), frame.image_bgr)
        jpeg = np.frombuffer(heard['compressed'][k].data, np.uint8)
        decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert cv2.PSNR(decoded, frame.image_bgr) > 28
        np.testing.assert_array_equal(heard['camera_info'][k].k, frame.camera.matrix.ravel())
        fix = heard['fix'][k]
        assert (fix.latitude, fix.longitude, fix.altitude) == (
            frame.latitude_deg,
            frame.longitude_deg,
            frame.altitude_m,
        )
        position, quaternion = frame.pose_enu
        pose = heard['pose'][k].pose
        assert [pose.position.x, pose.position.y, pose.position.z] == list(position)
        turn = pose.orientation
        assert [turn.x, turn.y, turn.z, turn.w] == list(quaternion)

        truth = heard['ground_truth'][k]
        np.testing.assert_allclose(boxes(truth), frame.boxes_xyxy)
        names = [d.results[0].hypothesis.class_id for d in truth.detections]
        assert names == [CLASS_NAMES[class_id] for class_id in frame.class_ids]
        assert [d.id for d in truth.detections] == [str(i) for i in frame.instance_ids]
        assert {d.results[0].hypothesis.score for d in truth.detections} <= {1.0}
        assert all(d.header == truth.header for d in truth.detections)
        check_places(truth, heard['camera_info'][k])
    assert sum(len(frame.class_ids) for frame in frames) > 5, 'the flight sees something'


def test_a_looped_flight_shows_the_same_frames_again_until_it_is_interrupted(graph):
    heard = listen(graph)
    process = start(graph, frames=2, loop=True, width=160, height=96, rate_hz=20.0, stamp='source')
    graph.wait_until(lambda: len(heard['image']) >= 5, within_s=90, what='five frames')
    by_time = dict(zip(stamps(heard['image']), map(pixels, heard['image']), strict=True))
    assert all(time % 50_000_000 == 0 for time in by_time)
    parity = {time // 50_000_000 % 2: image.tobytes() for time, image in by_time.items()}
    assert parity[0] != parity[1]
    for time, image in by_time.items():
        assert image.tobytes() == parity[time // 50_000_000 % 2]
    code, output = graph.stop(process)
    assert code == 0, output
    assert 'Traceback' not in output


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('altitude_m', 1e9, r'altitude_m must lie between 2\.0 and 500\.0'),
        ('transport', 'smoke', 'transport must be one of raw, compressed, both'),
        ('alttitude_m', 10.0, "Did you mean 'altitude_m'"),
    ],
)
def test_an_impossible_setting_is_refused(graph, name, value, reason):
    overrides = [Parameter(name, value=value)]
    with pytest.raises(ParameterError, match=reason):
        SimulatedFlightNode(context=graph.context, parameter_overrides=overrides)
