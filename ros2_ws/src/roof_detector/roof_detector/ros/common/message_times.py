# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Arrival and publication times of a received message."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from rclpy.clock import ROSClock
    from rclpy.node import Node


def message_times_ns(node: Node, info: dict[str, int]) -> tuple[int, int]:
    """Return arrival and publication times in ns, in the time source that the node uses."""
    clock = cast('ROSClock', node.get_clock())
    if clock.ros_time_is_active:
        now_ns = clock.now().nanoseconds
        return now_ns, now_ns
    arrived_ns = info['received_timestamp'] or time.time_ns()
    return arrived_ns, info['source_timestamp'] or arrived_ns


def time_has_begun(node: Node) -> bool:
    """Return whether the node's clock is valid; simulated time starts with the first /clock."""
    clock = cast('ROSClock', node.get_clock())
    return not clock.ros_time_is_active or clock.now().nanoseconds > 0
