# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The publishers of a camera's topics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import PoseStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, NavSatFix
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.acknowledgement import wait_for_readers
from roof_detector.ros.common.image_topic_name import image_topic_name

if TYPE_CHECKING:
    from rclpy.node import Node

    from roof_detector.ros.camera.stream_parameters import StreamSettings

# Topic, relative to the node's name, and message type of each role.
TOPICS = {
    'image': ('~/image', Image),
    'compressed': ('~/image/compressed', CompressedImage),
    'camera_info': ('~/camera_info', CameraInfo),
    'fix': ('~/fix', NavSatFix),
    'pose': ('~/pose', PoseStamped),
    'ground_truth': ('~/ground_truth', Detection2DArray),
}
_IMAGES = ('image', 'compressed')
# These messages are small: a reader that is busy for a while misses none.
_COMPANIONS_QOS = QoSProfile(depth=50)


class CameraTopics:
    """Publishers of images and of the messages that belong to them; for one thread."""

    def __init__(self, node: Node, settings: StreamSettings, *, roles: frozenset[str]) -> None:
        images_qos = QoSProfile(
            depth=settings.queue_depth,
            reliability=ReliabilityPolicy[settings.reliability.upper()],
        )
        images = {'image': settings.raw, 'compressed': settings.compressed}
        wanted = roles | {role for role, published in images.items() if published}
        self._node = node
        self._publishers = {
            role: node.create_publisher(
                kind,
                image_topic_name(node, TOPICS['image'][0], '/compressed')
                if role == 'compressed'
                else topic,
                images_qos if role in _IMAGES else _COMPANIONS_QOS,
            )
            for role, (topic, kind) in TOPICS.items()
            if role in wanted
        }

    def publish(self, role: str, message: Any) -> None:
        """Publish a message or its serialised bytes; ignore a role that has no topic."""
        publisher = self._publishers.get(role)
        if publisher is not None:
            publisher.publish(message)

    def listeners(self) -> int:
        """Return how many other nodes subscribe to the images and are connected."""
        nodes = set()
        connected = 0
        for role in _IMAGES:
            if role not in self._publishers:
                continue
            publisher = self._publishers[role]
            connected += publisher.get_subscription_count()
            for end in self._node.get_subscriptions_info_by_topic(publisher.topic_name):
                nodes.add((end.node_namespace, end.node_name))
        return min(len(nodes), connected)

    def are_followed(self) -> bool:
        """Return whether every reader of images has the offered reliability and is connected.

        A reader that begins as best effort and follows what is offered, such as a detector's, is
        replaced by another one: what is published in between would be lost.
        """
        for publisher in (one for role, one in self._publishers.items() if role in _IMAGES):
            readers = self._node.get_subscriptions_info_by_topic(publisher.topic_name)
            offered = publisher.qos_profile.reliability
            if any(reader.qos_profile.reliability != offered for reader in readers):
                return False
            if publisher.get_subscription_count() < len(readers):
                return False
        return True

    def unheard(self) -> list[str]:
        """Return the topics that have no connected subscriber."""
        return [p.topic_name for p in self._publishers.values() if not p.get_subscription_count()]

    def drain(self, *, timeout_s: float) -> bool:
        """Wait until every reliable reader has acknowledged; return whether all did in time."""
        deadline = time.monotonic() + timeout_s
        drained = True
        for publisher in self._publishers.values():
            remaining_s = max(0.0, deadline - time.monotonic())
            drained &= wait_for_readers(publisher, within_s=remaining_s)
        return drained
