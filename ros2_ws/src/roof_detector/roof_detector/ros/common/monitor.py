# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A node that observes other nodes, in a context of its own."""

from __future__ import annotations

from typing import TypeVar

import rclpy
from rclpy.context import Context

from roof_detector.ros.common.guarded_executor import GuardedExecutor

_T = TypeVar('_T', bound='Monitor')


class Monitor:
    """A node with an executor that its owner spins; leaving its `with` block destroys the node.

    `domain_id` None selects the domain of ROS_DOMAIN_ID.
    """

    def __init__(self, *, name: str, domain_id: int | None = None) -> None:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node(name, context=self._context)
        self.executor = GuardedExecutor(context=self._context)
        self.executor.add_node(self.node)

    def __enter__(self: _T) -> _T:
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)
