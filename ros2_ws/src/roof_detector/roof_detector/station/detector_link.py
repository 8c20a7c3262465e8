# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A detector node, seen from the ground."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from vision_msgs.msg import LabelInfo

from roof_detector.bags.errors import BagError
from roof_detector.bags.finding_messages import label_names
from roof_detector.station.camera_link import CameraLink
from roof_detector.station.remote_parameters import RemoteParameters
from roof_detector.supervision.throttle import Throttle, cause_of

_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class DetectorLink:
    """Know one detector: its cameras, its classes and its parameters.

    `name` is the node's full name with its slash; `labels` is empty until a model is loaded.
    """

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.labels: tuple[str, ...] = ()
        self.cameras: tuple[CameraLink, ...] = ()
        self.parameters = RemoteParameters(node, name)
        self._node = node
        self._warn = Throttle(lambda sentence: node.get_logger().warning(sentence))
        self._subscription = node.create_subscription(
            LabelInfo, f'{name}/labels', self._take_labels, _LATCHED
        )

    def find_cameras(self, names: frozenset[str]) -> None:
        """Follow the cameras that there are; only ROS's thread may."""
        known = {camera.name: camera for camera in self.cameras}
        new = {name: CameraLink(self._node, name) for name in names - set(known)}
        both = known | new  # one that is gone for a moment keeps its log
        self.cameras = tuple(both[name] for name in sorted(both))

    def close(self) -> None:
        """Take everything back; only ROS's thread may."""
        for camera in self.cameras:
            camera.close()
        self.parameters.close()
        self._node.destroy_subscription(self._subscription)

    def _take_labels(self, message: LabelInfo) -> None:
        try:
            self.labels = label_names(message)
        except BagError as error:
            self._warn(cause_of(str(error)), str(error))
