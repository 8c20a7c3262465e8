# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The name of an image topic in one of its transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from rclpy.node import Node

ImageTransport = Literal['raw', 'compressed', 'ffmpeg', 'foxglove']
IMAGE_TRANSPORTS: tuple[ImageTransport, ...] = get_args(ImageTransport)


def image_topic_name(node: Node, base: str, suffix: str) -> str:
    """Return the full name of an image topic in one transport, such as suffix '/compressed'.

    As with image_transport, the name follows the remapping of its base: with `image` remapped to
    /cam/image_raw the result is /cam/image_raw/compressed. A remapping of the full name wins.
    """
    name = base + suffix
    own = str(node.resolve_topic_name(name))
    if not suffix or own != node.resolve_topic_name(name, only_expand=True):
        return own
    return f'{node.resolve_topic_name(base)}{suffix}'
