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
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, NavSatFix
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from benchmarks.bench.contender import camera_names
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.ros.common.image_topic_name import IMAGE_TRANSPORTS
from roof_detector.ros.common.messages import compressed_message, image_message
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.common.parameters import Parameter, ParameterTable

JPEG_QUALITY = 85
# A frame without a result for so long was lost; the next one is sent.
_PATIENCE_S = 3.0
TELEMETRY_HEIGHT_M = 12.0
_STEP_M, _FOCAL_WIDTHS = 0.1, 0.7
_ORIGIN = LocalTangentPlane(47.0, 8.0, 400.0)

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
    Parameter('cameras', 1, 'How many cameras publish them.', minimum=1, maximum=64),
    Parameter(
        'telemetry', default=False, description='Publish where the camera is with each frame.'
    ),
)


class FramePublisher(Node):
    """Publishes frames on `image` or `image/compressed`, stamped just before they are sent.

    A message on `detector/detections` shows that a result has arrived. Of several cameras each
    has its topics, and sends its next frame when its own result has come.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('frame_publisher', **options)
        values = PUBLISHER_TABLE.declare(self)
        compressed = values['transport'] == 'compressed'
        messages = [
            _message(image_bgr, compressed=compressed) for image_bgr in np.load(values['frames'])
        ]
        self._telemetry = _Telemetry(self, messages[0]) if values['telemetry'] else None
        self._cameras = [
            _Camera(self, prefix, messages, telemetry=self._telemetry)
            for prefix in camera_names(values['cameras'])
        ]
        if values['rate_hz']:
            for camera in self._cameras:
                self.create_timer(1 / values['rate_hz'], camera.send)
        else:
            for camera in self._cameras:
                camera.follow_results()
                self.create_timer(0.1, camera.begin)


class _Camera:
    """The frames of one camera."""

    def __init__(
        self,
        node: Node,
        prefix: str,
        messages: list[Image | CompressedImage],
        *,
        telemetry: _Telemetry | None,
    ) -> None:
        self._node = node
        self._prefix = prefix
        self._messages = messages
        self._telemetry = telemetry
        self._sent = 0
        self._sent_at_s = 0.0
        compressed = isinstance(messages[0], CompressedImage)
        self._images = node.create_publisher(
            CompressedImage if compressed else Image,
            f'{prefix}image/compressed' if compressed else f'{prefix}image',
            QoSProfile(depth=1),
        )

    def follow_results(self) -> None:
        """Send the next frame as soon as the result of the last one has come."""
        self._node.create_subscription(
            Detection2DArray,
            f'detector/{self._prefix}detections',
            lambda _: self.send(),
            10,
            raw=True,
        )

    def begin(self) -> None:
        """Send the first frame once someone listens, and another one after one that was lost."""
        overdue = time.monotonic() - self._sent_at_s > _PATIENCE_S
        if overdue and self._images.get_subscription_count():
            self.send()

    def send(self) -> None:
        """Send the next frame."""
        message = self._messages[self._sent % len(self._messages)]
        self._sent += 1
        self._sent_at_s = time.monotonic()
        message.header.stamp = self._node.get_clock().now().to_msg()
        if self._telemetry is not None:
            self._telemetry.tell(message.header, index=self._sent)
        self._images.publish(message)


class _Telemetry:
    """The telemetry of a camera that looks straight down and flies east in a straight line."""

    def __init__(self, node: Node, image: Image | CompressedImage) -> None:
        assert isinstance(image, Image), 'telemetry goes with raw images'
        self._fixes = node.create_publisher(NavSatFix, 'fix', 50)
        self._poses = node.create_publisher(PoseStamped, 'pose', 50)
        self._infos = node.create_publisher(CameraInfo, 'camera_info', 50)
        focal_px = _FOCAL_WIDTHS * image.width
        centre = image.width / 2, image.height / 2
        self._info = CameraInfo(
            width=image.width,
            height=image.height,
            distortion_model='plumb_bob',
            d=[0.0] * 5,
            k=[focal_px, 0.0, centre[0], 0.0, focal_px, centre[1], 0.0, 0.0, 1.0],
        )

    def tell(self, header: Header, *, index: int) -> None:
        """Publish where the camera is when it takes a frame."""
        east_m = _STEP_M * index
        latitude, longitude, altitude = _ORIGIN.to_geodetic([east_m, 0.0, TELEMETRY_HEIGHT_M])
        self._fixes.publish(
            NavSatFix(
                header=header,
                latitude=float(latitude),
                longitude=float(longitude),
                altitude=float(altitude),
                position_covariance=(np.eye(3) * 0.01).ravel(),
                position_covariance_type=NavSatFix.COVARIANCE_TYPE_KNOWN,
            )
        )
        pose = CameraPose.looking_down(
            [east_m, 0.0, TELEMETRY_HEIGHT_M], yaw_deg=90.0, pitch_deg=0.0, roll_deg=0.0
        )
        posed = PoseStamped(header=header)
        position, turn = posed.pose.position, posed.pose.orientation
        position.x, position.y, position.z = east_m, 0.0, TELEMETRY_HEIGHT_M
        turn.x, turn.y, turn.z, turn.w = pose.quaternion_xyzw.tolist()
        self._poses.publish(posed)
        self._info.header = header
        self._infos.publish(self._info)


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
