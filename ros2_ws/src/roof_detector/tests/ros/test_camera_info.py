# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images of another size than their camera_info describes are counted and named."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from tiny_model import write_model
from two_cameras import TwoCameras

from roof_detector.ros.common.messages import image_message

WH = 64, 48
NAMES = ('left', 'right')


@pytest.fixture(scope='module')
def cameras(shared_graph, tmp_path_factory):
    cameras = TwoCameras(shared_graph, write_model(tmp_path_factory.mktemp('tiny') / 'tiny.onnx'))
    node = cameras.node
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    cameras.infos = {
        'left': node.create_publisher(CameraInfo, 'left/camera_info', 50),
        'right': node.create_publisher(CameraInfo, 'right/camera_info', latched),
    }
    shared_graph.wait_until(
        cameras.infos['left'].get_subscription_count, what='a reader of camera_info'
    )
    return cameras


def show(cameras, name, info, *, image_wh=WH):
    """Send camera_info and an image of its stamp, and wait for the result."""
    message = image_message(
        np.full((image_wh[1], image_wh[0], 3), 90, np.uint8),
        encoding='bgr8',
        header=cameras.good().header,
    )
    info.header = message.header
    cameras.infos[name].publish(info)
    cameras.send(name, message)
    cameras.graph.wait_until(
        lambda: any(one.header == message.header for one in cameras.results[name]),
        what='a result',
    )


def mismatches(cameras, name='left'):
    cameras.wait_for_next_report()
    return int(cameras.status(name)['camera_info_mismatches'])


def region(x, y, width, height):
    return RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height)


FITTING = {
    'uncalibrated': CameraInfo(),
    'whole': CameraInfo(width=64, height=48),
    'binned by 1': CameraInfo(width=64, height=48, binning_x=1, binning_y=1),
    'binned': CameraInfo(width=128, height=96, binning_x=2, binning_y=2),
    'rounded up': CameraInfo(width=127, height=95, binning_x=2, binning_y=2),
    'a region': CameraInfo(width=192, height=144, roi=region(10, 20, 64, 48)),
    'a binned region': CameraInfo(
        width=640, height=480, roi=region(10, 20, 128, 96), binning_x=2, binning_y=2
    ),
}


def test_images_of_the_described_size_are_no_fault(cameras):
    for info in FITTING.values():
        show(cameras, 'left', info)
    assert mismatches(cameras) == 0


@pytest.mark.parametrize(
    ('info', 'words'),
    [
        (CameraInfo(width=128, height=96), '64x48 pixels where 128x96 are described'),
        (CameraInfo(width=64, height=48, binning_x=2, binning_y=2), 'where 32x24 are described'),
        (CameraInfo(width=128, height=96, roi=region(0, 0, 32, 24)), 'where 32x24 are described'),
        (CameraInfo(width=64, height=48, roi=region(9, 0, 64, 48)), 'is not within the 64x48'),
        (CameraInfo(width=2**32 - 1, height=1), 'where 4294967295x1 are described'),
    ],
    ids=['scaled', 'not binned', 'not the region', 'region outside', 'absurd'],
)
def test_images_of_another_size_are_counted_and_named(cameras, info, words):
    before = mismatches(cameras)
    show(cameras, 'left', info)
    # An image is compared once its result is out.
    cameras.graph.wait_until(lambda: mismatches(cameras) > before, what='the mismatch')
    status = cameras.levels['detector/left: detection']  # soon it says that no images come
    assert mismatches(cameras) == before + 1
    assert status.level == b'\x01'
    assert words in status.message and '/left/camera_info' in status.message
    assert cameras.status('left')['camera_info'] == '/left/camera_info'


def test_a_camera_info_that_was_published_once_counts_for_every_image(cameras):
    cameras.infos['right'].publish(CameraInfo(width=640, height=480))
    count = 0

    def is_counted():
        nonlocal count
        count += 1
        cameras.send('right', cameras.good())
        return int(cameras.status('right').get('camera_info_mismatches', 0)) > 0

    cameras.graph.wait_until(is_counted, what='a mismatch with the latched message')


def test_bytes_that_are_no_camera_info_cost_themselves_alone(cameras):
    for data in (b'', b'\x00\x01\x00\x00' + b'\xff' * 40):
        cameras.infos['left'].publish(data)
    cameras.expect_results('left')
    assert cameras.process.poll() is None
    assert isinstance(cameras.good(), Image)
