# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The name of an image topic in one of its transports."""

from __future__ import annotations

from rclpy.node import Node


def image_topic_name(node: Node, base: str, suffix: str) -> str:
    """Return the full name of an image topic's twin, such as `image` with '/compressed'.

    It follows its base as with image_transport: where `image` is remapped to /cam/image_raw, its
    twin is /cam/image_raw/compressed. A remapping of the twin itself goes first.
    """
    name = base + suffix
    own = str(node.resolve_topic_name(name))
    if not suffix or own != node.resolve_topic_name(name, only_expand=True):
        return own
    return f'{node.resolve_topic_name(base)}{suffix}'
