# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A topic that is subscribed to in a way that all its publishers are heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.qos_matching import is_heard, request_for
from roof_detector.supervision.health import Delivery
from roof_detector.supervision.rate import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node
    from rclpy.subscription import Subscription

_DEPTH = 50


class FollowedTopic:
    """Listens to a topic once it is published, and again when its publishers offer something else.

    `on_message` returns whether the message was of use: only then it counts as an arrival.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        type_name: str,
        on_message: Callable[[Any], bool],
    ) -> None:
        self.name = node.resolve_topic_name(name)
        self.type_name = type_name
        self.arrivals = Arrivals()
        self.received = 0
        self._node = node
        self._on_message = on_message
        self._class: Any = message_class(type_name)
        self._subscription: Subscription | None = None

    @property
    def warning(self) -> str:
        """Return why nothing can come, '' where it can."""
        if self._class is not None:
            return ''
        package = self.type_name.partition('/')[0]
        return (
            f'{self.name} cannot be received, because {package} is not installed here; install '
            f'ros-$ROS_DISTRO-{package.replace("_", "-")}, or build it in the workspace.'
        )

    def delivery(self, what: str) -> Delivery:
        """Return for how long nothing of use has come."""
        return Delivery(f'No {what} on {self.name}', self.arrivals.silent_s, self.arrivals.usual_s)

    def refresh(self) -> None:
        """Follow what the publishers of this type offer."""
        if self._class is None:
            return
        publishers = [
            one
            for one in self._node.get_publishers_info_by_topic(self.name)
            if one.topic_type == self.type_name
        ]
        present = self._subscription
        if not publishers:  # what to ask for is not known yet, or what was asked for stays
            return
        if present is not None and all(is_heard(one, present.qos_profile) for one in publishers):
            return
        self.close()
        self._subscription = self._node.create_subscription(
            self._class, self.name, self._receive, request_for(publishers, depth=_DEPTH)
        )

    def close(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _receive(self, message: Any) -> None:
        self.received += 1
        if self._on_message(message):
            self.arrivals.note()
