# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pairs the camera infos, fixes, poses and ground truth of a bag with its images."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from roof_detector.inputs.frame import Companion
from roof_detector.inputs.recorded_header import stamp_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from roof_detector.bags.topics import BagMessage, BagTopic

# The role of a message beside an image, by message type.
ROLES = {
    'sensor_msgs/msg/CameraInfo': 'camera_info',
    'sensor_msgs/msg/NavSatFix': 'fix',
    'geometry_msgs/msg/PoseStamped': 'pose',
    'vision_msgs/msg/Detection2DArray': 'ground_truth',
}


def companion_topics(topics: Iterable[BagTopic], *, image_topic: str) -> dict[str, str]:
    """Return the topics that go with an image topic and their roles: for each the nearest name."""
    nearest: dict[str, str] = {}
    for topic in sorted(topics, key=lambda topic: -_shared_parts(topic.name, image_topic)):
        role = ROLES.get(topic.type_name)
        if role is None or (role == 'ground_truth' and not topic.name.endswith(role)):
            continue
        nearest.setdefault(role, topic.name)
    return {name: role for role, name in nearest.items()}


def with_companions(
    messages: Iterable[BagMessage], *, image_topic: str, roles: Mapping[str, str]
) -> Iterator[tuple[BagMessage, tuple[Companion, ...]]]:
    """Yield each image message with its companions, once the next image was read.

    A companion goes with the image of its own stamp; one that was stamped between two images goes
    with the later one.
    """
    image: BagMessage | None = None
    own: list[Companion] = []
    later: list[Companion] = []
    for message in messages:
        if message.topic == image_topic:
            if image is not None:
                yield image, tuple(own)
            image, own, later = message, later, []
            continue
        companion = Companion(roles[message.topic], message)
        if image is not None and stamp_ns(message.data) <= stamp_ns(image.data):
            own.append(companion)
        else:
            later.append(companion)
    if image is not None:
        yield image, (*own, *later)


def _shared_parts(name: str, other: str) -> int:
    """Return how many namespaces two topic names begin with in common."""
    pairs = zip(name.split('/'), other.split('/'), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
