# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether Foxglove's own messages are installed: ROS has them in a package of its own."""

from __future__ import annotations

from roof_detector.ros.common.message_types import message_class

FOXGLOVE_TYPES = ('foxglove_msgs/msg/ImageAnnotations', 'foxglove_msgs/msg/GeoJSON')
FOXGLOVE_MISSING = (
    'The package foxglove_msgs is not installed, so ~/annotations and ~/geojson are not '
    'published: sudo apt install ros-$ROS_DISTRO-foxglove-msgs.'
)


def foxglove_messages_available() -> bool:
    """Return whether the messages can be published; only then import what makes them."""
    return all(message_class(name) is not None for name in FOXGLOVE_TYPES)
