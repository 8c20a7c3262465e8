# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is written without ROS is what the node publishes.

Not compared byte by byte: Fast DDS leaves whatever was in memory between aligned numbers.
"""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from roof_detector.bags.finding_messages import detections_bytes, jpeg_bytes, labels_bytes
from roof_detector.ros.common.messages import (
    compressed_message,
    detections_message,
    labels_message,
)
from roof_detector.vision.detections import Detections

NAMES = ('drain', 'crack')
HEADER = Header(stamp=Time(sec=3, nanosec=4), frame_id='camera')
STAMP = {'stamp_ns': 3_000_000_004, 'frame_id': 'camera'}


def check_same(ours, published):
    assert deserialize_message(ours, type(published)) == published
    assert len(ours) == len(serialize_message(published))


def test_no_detections_are_the_same_message():
    published = detections_message(Detections.empty(), names=NAMES, header=HEADER)
    check_same(detections_bytes(Detections.empty(), names=NAMES, **STAMP), published)


def test_detections_labels_and_images_are_the_same_messages():
    random = np.random.default_rng(3)
    found = Detections(
        boxes_xyxy=np.sort(random.uniform(0, 1e3, (5, 2, 2)), axis=1).reshape(5, 4),
        scores=random.uniform(0, 1, 5),
        class_ids=random.integers(0, 2, 5),
    )
    published = detections_message(found, names=NAMES, header=HEADER)
    check_same(detections_bytes(found, names=NAMES, **STAMP), published)
    published = labels_message(NAMES, threshold=0.25, header=HEADER)
    check_same(labels_bytes(NAMES, threshold=0.25, **STAMP), published)
    published = compressed_message(b'\xff\xd8jpeg', header=HEADER)
    check_same(jpeg_bytes(b'\xff\xd8jpeg', **STAMP), published)
