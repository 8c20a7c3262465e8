# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The latched messages of a recording, repeated at the start of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.timed_message import TimedMessage

# No image and no detection can be understood without these, latched or not.
_ALWAYS = ('sensor_msgs/msg/CameraInfo', 'vision_msgs/msg/LabelInfo')
# Static transforms have several publishers, each with a message of its own that stays valid.
_KEPT = {'tf2_msgs/msg/TFMessage': 100}


class LatchedMessages:
    """The messages that stay valid until the next one: latched topics, labels and calibration.

    Each file of a bag begins with them, so that it can be understood without those before it.
    """

    def __init__(self) -> None:
        self._kept: dict[str, int] = {}
        self._messages: dict[str, dict[bytes, TimedMessage]] = {}

    def add_topic(self, name: str, type_name: str, *, offered_qos: Sequence[OfferedQos]) -> None:
        """Register a topic if its messages are latched."""
        latched = {profile.durability for profile in offered_qos} == {'transient_local'}
        if latched or type_name in _ALWAYS:
            self._kept[name] = _KEPT.get(type_name, 1)
            self._messages.setdefault(name, {})

    def note(self, message: TimedMessage) -> None:
        """Remember a message if its topic is latched."""
        kept = self._kept.get(message.topic)
        if kept is None:
            return
        messages = self._messages[message.topic]
        messages.pop(message.data, None)
        messages[message.data] = message
        if len(messages) > kept:
            del messages[next(iter(messages))]

    def __iter__(self) -> Iterator[TimedMessage]:
        """Yield the latched messages, topic by topic in the order of their announcement."""
        for messages in self._messages.values():
            yield from messages.values()
