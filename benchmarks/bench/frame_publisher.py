# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A camera for benchmarks that publishes the same few frames, one by one or at a rate."""

from __future__ import annotations

import sys
import time
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.image_topic_name import IMAGE_TRANSPORTS
from roof_detector.ros.common.messages import compressed_message, image_message
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.common.parameters import Parameter, ParameterTable

JPEG_QUALITY = 85
# A frame without a result for so long was lost; the next one is sent.
_PATIENCE_S = 3.0

PUBLISHER_TABLE = ParameterTable(
    Parameter('frames', '', 'File of frames, a NumPy array (n, height, width, 3) uint8 BGR.'),
    Parameter('transport', 'raw', 'What is published.', choices=IMAGE_TRANSPORTS),
    Parameter(
        'rate_hz',
        0.0,
        'Frames per second; 0 sends the next one when the result of the last one has come.',
        minimum=0.0,
        maximum=1000.0,
    ),
)


class FramePublisher(Node):
    """Publish frames on `image` or `image/compressed`, stamped just before they are sent.

    a message on `detector/detections` shows that a result has arrived.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('frame_publisher', **options)
        values = PUBLISHER_TABLE.declare(self)
        compressed = values['transport'] == 'compressed'
        self._messages = [
            _message(image_bgr, compressed=compressed) for image_bgr in np.load(values['frames'])
        ]
        self._sent = 0
        self._sent_at_s = 0.0
        self._images = self.create_publisher(
            CompressedImage if compressed else Image,
            'image/compressed' if compressed else 'image',
            QoSProfile(depth=1),
        )
        if values['rate_hz']:
            self.create_timer(1 / values['rate_hz'], self._send)
        else:
            self.create_subscription(
                Detection2DArray, 'detector/detections', self._answer, 10, raw=True
            )
            self.create_timer(0.1, self._begin)

    def _answer(self, _: bytes) -> None:
        self._send()

    def _begin(self) -> None:
        overdue = time.monotonic() - self._sent_at_s > _PATIENCE_S
        if overdue and self._images.get_subscription_count():
            self._send()

    def _send(self) -> None:
        message = self._messages[self._sent % len(self._messages)]
        self._sent += 1
        self._sent_at_s = time.monotonic()
        message.header.stamp = self.get_clock().now().to_msg()
        self._images.publish(message)


def _message(image_bgr: npt.NDArray[np.uint8], *, compressed: bool) -> Image | CompressedImage:
    header = Header(frame_id='camera_optical_frame')
    if not compressed:
        return image_message(image_bgr, encoding='bgr8', header=header)
    _, jpeg = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return compressed_message(jpeg.astype(np.uint8), header=header)


def main() -> None:
    """Run the publisher until it is interrupted."""
    sys.exit(run_node(FramePublisher))


if __name__ == '__main__':
    main()
