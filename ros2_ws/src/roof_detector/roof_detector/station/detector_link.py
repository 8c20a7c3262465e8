# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station's connection to a detector node."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rclpy.qos import DurabilityPolicy, QoSProfile
from vision_msgs.msg import LabelInfo

from roof_detector.bags.errors import BagError
from roof_detector.bags.finding_messages import label_names
from roof_detector.station.camera_link import CameraLink
from roof_detector.station.remote_parameters import RemoteParameters
from roof_detector.supervision.throttle import Throttle, cause_of

if TYPE_CHECKING:
    from rclpy.node import Node

    from roof_detector.station.live_frames import LiveFrames

_log = logging.getLogger(__name__)
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class DetectorLink:
    """A detector: its cameras, classes and parameters.

    `name` is the full name of the node; `labels` is empty until a model is loaded.
    """

    def __init__(self, node: Node, name: str, *, frames: LiveFrames) -> None:
        self.name = name
        self._frames = frames
        self.labels: tuple[str, ...] = ()
        self.cameras: tuple[CameraLink, ...] = ()
        self.parameters = RemoteParameters(node, name)
        self._node = node
        self._warn = Throttle(_log.warning)
        self._subscription = node.create_subscription(
            LabelInfo, f'{name}/labels', self._on_labels, _LATCHED
        )

    def find_cameras(self, names: frozenset[str]) -> None:
        """Add links to new cameras; call in ROS's thread only."""
        known = {camera.name: camera for camera in self.cameras}
        new = {
            name: CameraLink(self._node, name, frames=self._frames) for name in names - set(known)
        }
        both = known | new  # a camera that is briefly absent keeps its log
        self.cameras = tuple(both[name] for name in sorted(both))

    def close(self) -> None:
        """Destroy all subscriptions and clients; call in ROS's thread only."""
        for camera in self.cameras:
            camera.close()
        self.parameters.close()
        self._node.destroy_subscription(self._subscription)

    def _on_labels(self, message: LabelInfo) -> None:
        try:
            self.labels = label_names(message)
        except BagError as error:
            self._warn(cause_of(str(error)), str(error))
