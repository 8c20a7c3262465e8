# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The topics and messages of a bag, and the choice of the image topic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.bags.qos import OfferedQos

RESULT_NAMESPACE = '/detector'  # the namespace of the detector node in the launch files
# Packets of H.264 or H.265, each of which needs those before it.
VIDEO_TYPES = ('ffmpeg_image_transport_msgs/msg/FFMPEGPacket', 'foxglove_msgs/msg/CompressedVideo')
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage', *VIDEO_TYPES)
# How the plugins of image_transport name what they make of a topic of raw images.
_TRANSPORT = re.compile(r'/(compressed|ffmpeg|foxglove)$')


@dataclass(frozen=True, kw_only=True)
class BagTopic:
    """What a bag holds of one topic."""

    name: str
    type_name: str
    message_count: int
    definition: str = ''  # ros2msg or IDL text that the bag embeds, if any
    offered_qos: tuple[OfferedQos, ...] = ()

    @property
    def is_image(self) -> bool:
        """Return whether its messages are images."""
        return self.type_name in IMAGE_TYPES


@dataclass(frozen=True, kw_only=True)
class BagMessage:
    """One message as it was recorded: CDR bytes and the time of its reception."""

    topic: str
    type_name: str
    log_time_ns: int
    data: bytes


def merged(topics: Sequence[BagTopic]) -> tuple[BagTopic, ...]:
    """Return each topic once, with the messages of all files counted together."""
    by_name: dict[str, BagTopic] = {}
    for topic in topics:
        known = by_name.get(topic.name, topic)
        if known.type_name != topic.type_name:
            msg = f'{topic.name} has two types, {known.type_name} and {topic.type_name}.'
            raise BagError(msg)
        count = topic.message_count + (known.message_count if topic.name in by_name else 0)
        by_name[topic.name] = BagTopic(
            name=topic.name,
            type_name=topic.type_name,
            message_count=count,
            definition=known.definition or topic.definition,
            offered_qos=known.offered_qos or topic.offered_qos,
        )
    return tuple(by_name.values())


def choose_image_topic(topics: Sequence[BagTopic], *, wanted: str, bag: str) -> BagTopic:
    """Return the topic of the given name, or without a name the source images of the bag.

    Annotated images are no source, and raw images take precedence over the same ones compressed.
    Raises BagError with a list of the topics if that leaves none or several.
    """
    if wanted:
        named = [topic for topic in topics if topic.name == wanted]
        if not named:
            msg = f'{bag} has no topic {wanted}. {_listed(topics)}'
            raise BagError(msg)
        if not named[0].is_image:
            msg = f'{wanted} in {bag} holds {named[0].type_name}, no images. {_listed(topics)}'
            raise BagError(msg)
        return named[0]
    sources = source_image_topics(topics, bag=bag)
    if len(sources) > 1:
        names = ', '.join(topic.name for topic in sources)
        msg = f'{bag} has several image topics ({names}); name one of them.'
        raise BagError(msg)
    return sources[0]


def source_image_topics(topics: Sequence[BagTopic], *, bag: str) -> list[BagTopic]:
    """Return the topics with camera images; raise BagError if there is none.

    Annotated images are no source, and raw images take precedence over the same ones compressed.
    """
    images = [topic for topic in topics if topic.is_image and topic.message_count]
    sources = [topic for topic in images if 'annotated' not in topic.name] or images
    raw_names = {topic.name for topic in sources}
    sources = [t for t in sources if without_transport(t.name) not in raw_names - {t.name}]
    if not sources:
        msg = f'{bag} has no images: no topic of sensor_msgs Image. {_listed(topics)}'
        raise BagError(msg)
    return sources


def without_transport(name: str) -> str:
    """Return the topic of raw images that a topic of a plugin of image_transport is made of."""
    return _TRANSPORT.sub('', name)


def is_result_topic(name: str) -> bool:
    """Return whether a topic lies in the namespace of the detector."""
    return name.startswith(f'{RESULT_NAMESPACE}/')


def _listed(topics: Sequence[BagTopic]) -> str:
    if not any(topic.message_count for topic in topics):
        return 'It holds no messages at all.'
    listed = ', '.join(f'{t.name} ({t.type_name}, {t.message_count})' for t in topics)
    return f'It holds: {listed}.'
