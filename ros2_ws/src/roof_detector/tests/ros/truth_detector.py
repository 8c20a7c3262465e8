# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A detector that finds what a simulated flight truly shows, in a thread of the test."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo

from roof_detector.ros.common.messages import labels_message
from roof_detector.simulation import CLASS_NAMES

_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class TruthDetector:
    """Publishes true boxes, labels and images as a detector node does, while the block lasts."""

    def __init__(self, graph):
        self._executor = SingleThreadedExecutor(context=graph.context)
        self._node = graph.node('detector')
        graph.executor.remove_node(self._node)
        self._executor.add_node(self._node)
        create, listen = self._node.create_publisher, self._node.create_subscription
        self._found = create(Detection2DArray, '/detector/detections', 20)
        self._labels = create(LabelInfo, '/detector/labels', _LATCHED)
        self._annotated = create(CompressedImage, '/detector/image_annotated/compressed', 5)
        listen(Detection2DArray, '/camera/ground_truth', self._detect, 20)
        listen(Image, '/camera/image', self._annotate, 5)
        self._labels.publish(labels_message(CLASS_NAMES, threshold=0.25, header=Header()))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._spin, name='truth detector')

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()
        self._executor.shutdown()

    def _spin(self):
        while not self._stopped.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _detect(self, message):
        for one in message.detections:
            one.results[0].hypothesis.score = 0.95
            one.id = ''
        self._found.publish(message)

    def _annotate(self, message):
        if self._annotated.get_subscription_count():
            image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
            jpeg = cv2.imencode('.jpg', image)[1].tobytes()
            self._annotated.publish(
                CompressedImage(header=message.header, format='jpeg', data=jpeg)
            )
