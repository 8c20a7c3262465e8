# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Print what any node can read in the graph: parameters, parameter events, logs, diagnostics.

A program of its own: it joins the graph as any other node would.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log, ParameterEvent
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.qos import DurabilityPolicy, QoSProfile

if TYPE_CHECKING:
    from rclpy.node import Node

_LISTEN_S = 2.0


def main() -> None:
    """Read from all nodes that are discovered within seconds."""
    rclpy.init()
    node = rclpy.create_node('graph_reader')
    latched = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Log, '/rosout', print, latched)
    node.create_subscription(ParameterEvent, '/parameter_events', print, 1000)
    node.create_subscription(DiagnosticArray, '/diagnostics', print, 10)
    deadline_s = time.monotonic() + _LISTEN_S
    while time.monotonic() < deadline_s or len(node.get_node_names()) < 2:
        rclpy.spin_once(node, timeout_sec=0.1)
        if time.monotonic() > deadline_s + 90:
            break
    for name, namespace in node.get_node_names_and_namespaces():
        full = f'{namespace.rstrip("/")}/{name}'
        if name == 'graph_reader':
            continue
        listed = _call(node, ListParameters, f'{full}/list_parameters', ListParameters.Request())
        if listed is None:
            print(full, 'does not answer')
            continue
        request = GetParameters.Request(names=listed.result.names)
        print(
            full,
            listed.result.names,
            _call(node, GetParameters, f'{full}/get_parameters', request),
        )
    node.destroy_node()
    rclpy.try_shutdown()


def _call(node: Node, service_type: Any, name: str, request: Any) -> Any:
    client = node.create_client(service_type, name)
    if not client.wait_for_service(timeout_sec=60.0):
        return None
    for _ in range(6):
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=10.0)
        if future.done():  # an answer before its node has heard of this client reaches nobody
            return future.result()
    return None


if __name__ == '__main__':
    main()
