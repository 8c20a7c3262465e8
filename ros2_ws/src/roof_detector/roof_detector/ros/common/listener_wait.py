# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Wait until a node subscribes to images.

python -m roof_detector.ros.common.listener_wait NODE SECONDS
"""

from __future__ import annotations

import argparse
import sys
import time

import rclpy
from rclpy.node import Node, NodeNameNonExistentError
from rclpy.utilities import ok, try_shutdown

_IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
_PERIOD_S = 0.1


def topics_of(node: Node, listener: str) -> list[str]:
    """Return the image topics that another node, such as /drone1/detector, subscribes to."""
    namespace, _, name = listener.rpartition('/')
    try:
        found = node.get_subscriber_names_and_types_by_node(name, namespace or '/')
    except NodeNameNonExistentError:
        return []
    return sorted(topic for topic, types in found if set(types).intersection(_IMAGES))


def main(words: list[str] | None = None) -> int:
    """Wait; return 0 once the node subscribes, else 1 after the longest wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('node', help='full name, such as /drone1/detector')
    parser.add_argument('seconds', type=float, help='longest wait')
    options = parser.parse_args(words)
    rclpy.init()
    node = rclpy.create_node('listener_wait', enable_rosout=False, start_parameter_services=False)
    until_s = time.monotonic() + options.seconds
    topics: list[str] = []
    try:
        while ok() and not topics and time.monotonic() < until_s:
            rclpy.spin_once(node, timeout_sec=_PERIOD_S)
            topics = topics_of(node, options.node)
    finally:
        node.destroy_node()
        try_shutdown()
    if topics:
        sys.stdout.write(f'{options.node} subscribes to {", ".join(topics)}.\n')
        return 0
    sys.stderr.write(
        f'{options.node} subscribes to no image topic after {options.seconds:g} s, so nothing is '
        'played. See its log for the reason.\n'
    )
    return 1


if __name__ == '__main__':
    sys.exit(main())
