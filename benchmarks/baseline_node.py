# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A simple YOLO node, as a baseline for ours.

Everything in one callback: cv_bridge, `YOLO.predict`, publish. It stays as simple as it is; the
only things that are not what a first search finds are the reader's depth of 1, without which it
would work through a queue of old frames, and `threads`.
"""

from __future__ import annotations

import os

import rclpy
import torch
from cv_bridge import CvBridge
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from ultralytics import YOLO
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose


class BaselineNode(Node):
    """A detector that runs in the callback of the image."""

    def __init__(self) -> None:
        super().__init__('baseline')
        model = self.declare_parameter('model', 'yolo11n.pt').value
        compressed = self.declare_parameter('image_transport', 'raw').value == 'compressed'
        self._threads = self.declare_parameter('threads', 0).value
        self._model = YOLO(model)
        self._bridge = CvBridge()
        self._found = self.create_publisher(Detection2DArray, '~/detections', 10)
        if compressed:
            self.create_subscription(CompressedImage, 'image/compressed', self._detect, 1)
        else:
            self.create_subscription(Image, 'image', self._detect, 1)

    def _detect(self, message: Image | CompressedImage) -> None:
        if isinstance(message, CompressedImage):
            image_bgr = self._bridge.compressed_imgmsg_to_cv2(message, 'bgr8')
        else:
            image_bgr = self._bridge.imgmsg_to_cv2(message, 'bgr8')
        if self._threads:  # the first prediction sets one less than there are cores
            torch.set_num_threads(self._threads)
        (result,) = self._model.predict(image_bgr, conf=0.25, iou=0.45, verbose=False)
        answer = Detection2DArray(header=message.header)
        for box in result.boxes:
            x, y, width, height = box.xywh[0].tolist()
            detection = Detection2D(header=message.header)
            detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
            detection.bbox.size_x, detection.bbox.size_y = width, height
            hypothesis = ObjectHypothesisWithPose()
            hypothesis.hypothesis.class_id = result.names[int(box.cls)]
            hypothesis.hypothesis.score = float(box.conf)
            detection.results.append(hypothesis)
            answer.detections.append(detection)
        self._found.publish(answer)


def main() -> None:
    """Run the node until it is interrupted."""
    rclpy.init()
    node = BaselineNode()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    os._exit(0)  # threads of torch can keep an interpreter from ending


if __name__ == '__main__':
    main()
