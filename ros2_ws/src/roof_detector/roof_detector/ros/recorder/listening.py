# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""All topics that the recorder listens to."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from roof_detector.bags.black_box import BlackBox
from roof_detector.bags.qos import OfferedQos
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.ros.common.message_times import time_has_begun
from roof_detector.ros.recorder.recorded_topic import RecordedTopic
from roof_detector.ros.recorder.recorder_parameters import (
    DEFAULT_TOPICS,
    OPTIONAL_TOPICS,
    RecorderSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rclpy.node import Node

    from roof_detector.bags.background_writer import BackgroundWriter
    from roof_detector.supervision.health import Delivery

MARKS = '~/mark'
_MARK_TYPE = 'std_msgs/msg/String'
# These come from this process as well: that they arrive says nothing.
_OF_THEMSELVES = {'/diagnostics', '/parameter_events', '/rosout'}


@dataclass(frozen=True, kw_only=True)
class ListeningReport:
    """Say what was heard, by topic, since the listening began.

    `optional` are those of `not_published` that are not missed; `expected` tells how long nothing
    has come of each topic of which something should, but for what nodes say of themselves;
    `timeless_s` is how long messages cannot be given a time, for simulated time has not begun.
    """

    received: dict[str, int]
    lost_before_arrival: dict[str, int]
    not_published: tuple[str, ...]
    repeated: dict[str, int] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    expected: tuple[Delivery, ...] = ()
    timeless_s: float = 0.0

    @property
    def has_arrived(self) -> bool:
        """Return whether anything has come but what nodes say of themselves."""
        return any(count for name, count in self.received.items() if name not in _OF_THEMSELVES)


class Listening:
    """Hand what a node hears of the topics asked for to a black box, or through it to a bag."""

    def __init__(
        self,
        node: Node,
        settings: RecorderSettings,
        *,
        writer: BackgroundWriter | None,
        look_at_detections: Callable[[bytes], None],
    ) -> None:
        """Begin to listen, for a bag's writer or else for the box's memory."""
        self._node = node
        self.asked_for = settings.listening
        self.box = BlackBox(
            keep_s=settings.pre_roll_s if settings.black_box else 0.0,
            max_bytes=settings.pre_roll_bytes,
        )
        if writer is not None:
            self.box.attach(writer)
        self._marks = node.resolve_topic_name(MARKS)
        self.box.add_topic(self._marks, _MARK_TYPE, offered_qos=[OfferedQos()])
        looked_at = node.resolve_topic_name(settings.trigger_topic or MARKS)
        names = dict.fromkeys(node.resolve_topic_name(name) for name in settings.topics)
        names.pop(self._marks, None)  # the service of marks hands them in
        by_default = set(DEFAULT_TOPICS) <= set(settings.topics)
        self._optional = frozenset(
            node.resolve_topic_name(name) for name in OPTIONAL_TOPICS if by_default
        )
        self._timeless_since_s = time.monotonic()
        self._topics = [
            RecordedTopic(
                node, name, self.box, look_at=look_at_detections if name == looked_at else None
            )
            for name in names
        ]
        self.refresh()

    def write_mark(self, data: bytes, *, times_ns: tuple[int, int]) -> None:
        """Record a mark, which is a message as any other."""
        log_time_ns, publish_time_ns = times_ns
        self.box.write(
            TimedMessage(
                topic=self._marks,
                data=data,
                log_time_ns=log_time_ns,
                publish_time_ns=publish_time_ns,
            )
        )

    def refresh(self) -> None:
        """Look for topics that have appeared, and for publishers that are not heard."""
        if time_has_begun(self._node):
            for topic in self._topics:
                topic.refresh()

    def report(self) -> ListeningReport:
        """Return what was heard so far."""
        return ListeningReport(
            received={t.name: t.received for t in self._topics if t.is_heard},
            lost_before_arrival={
                t.name: t.lost_before_arrival for t in self._topics if t.lost_before_arrival
            },
            not_published=tuple(t.name for t in self._topics if not t.is_heard),
            repeated={t.name: t.repeated for t in self._topics if t.repeated},
            optional=self._optional,
            expected=tuple(self._expected()),
            timeless_s=0.0
            if time_has_begun(self._node)
            else time.monotonic() - self._timeless_since_s,
        )

    def _expected(self) -> Iterator[Delivery]:
        for topic in self._topics:
            optional = topic.name in self._optional and not topic.received
            if topic.name in _OF_THEMSELVES or optional:
                continue
            if (delivery := topic.delivery) is not None:
                yield delivery

    def close(self) -> None:
        """Stop listening."""
        for topic in self._topics:
            topic.close()
