# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How one topic gets into a bag."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy

from roof_detector.bags.errors import BagError
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.ros.common.message_times import message_times_ns
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.qos_matching import is_heard, offered_qos, request_for
from roof_detector.ros.common.sequence_gaps import SequenceGaps, publisher_ids
from roof_detector.supervision.health import Delivery
from roof_detector.supervision.rate import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.node import Node
    from rclpy.subscription import Subscription
    from rclpy.topic_endpoint_info import TopicEndpointInfo

    from roof_detector.bags.black_box import BlackBox

# What DDS keeps for us while the executor is busy: images are large, all else is small.
_DEPTHS = {'sensor_msgs/msg/Image': 10, 'sensor_msgs/msg/CompressedImage': 30}
_DEPTH = 100
# What tells of events may be silent for as long as nothing happens.
_EVENT_TYPES = {
    'rcl_interfaces/msg/ParameterEvent',
    'rcl_interfaces/msg/Log',
    'lifecycle_msgs/msg/TransitionEvent',
}


class RecordedTopic:
    """Hand one topic's messages to a black box, as the bytes that DDS has, once it is published.

    `look_at` sees each message after that.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        box: BlackBox,
        *,
        look_at: Callable[[bytes], None] | None = None,
    ) -> None:
        self._node = node
        self._box = box
        self._look_at = look_at
        self._subscription: Subscription | None = None
        self._publishers: frozenset[bytes] = frozenset()
        self._gaps = SequenceGaps()
        self._type_name = self._said = ''
        self._heard = Arrivals()
        self._tells_of_events = False
        self.name = node.resolve_topic_name(name)
        self.received = 0
        self.lost_before_arrival = 0

    @property
    def repeated(self) -> int:
        """Return how many messages came twice and were written once."""
        return self._gaps.repeated

    @property
    def is_heard(self) -> bool:
        """Return whether it has been published and is subscribed to."""
        return self._subscription is not None

    @property
    def delivery(self) -> Delivery | None:
        """Return for how long nothing has come of it, None where nothing need come.

        What tells of events may be silent, and what is latched once its message has come.
        """
        heard = self._heard
        if self._tells_of_events or (heard.count and self._is_latched()):
            return None
        return Delivery(f'No message on {self.name}', heard.silent_s, heard.usual_s)

    def _is_latched(self) -> bool:
        if self._subscription is None:
            return False
        durability = self._subscription.qos_profile.durability
        return durability == DurabilityPolicy.TRANSIENT_LOCAL

    def refresh(self) -> None:
        """Listen as soon as there is a publisher, and in a way that all publishers are heard."""
        publishers = self._of_one_type(self._node.get_publishers_info_by_topic(self.name))
        self._publishers = publisher_ids(publishers)
        if not publishers:
            return
        if self._subscription is None:
            try:
                message_type: Any = self._announce(publishers)
            except BagError as error:
                self._say_once(f'{self.name} is not recorded: {error}')
                return
            self._listen(message_type, publishers)
        elif not all(is_heard(p, self._subscription.qos_profile) for p in publishers):
            message_type = self._subscription.msg_type
            self.close()
            self._listen(message_type, publishers)

    def close(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _of_one_type(self, publishers: Sequence[TopicEndpointInfo]) -> list[TopicEndpointInfo]:
        """Return the publishers of the type that is recorded, at first that of most of them.

        A topic has one type in a bag; one who publishes another must not keep it from being
        recorded.
        """
        counts = Counter(publisher.topic_type for publisher in publishers)
        if not self._type_name and counts:
            self._type_name = max(sorted(counts), key=counts.__getitem__)
        if others := sorted(set(counts) - {self._type_name}):
            self._say_once(
                f'{self.name} is published as {", ".join(others)} too, which is not recorded; '
                f'{self._type_name} is.'
            )
        return [one for one in publishers if one.topic_type == self._type_name]

    def _announce(self, publishers: Sequence[TopicEndpointInfo]) -> type:
        """Add the topic to the bag and return the class of its messages."""
        name, self._type_name = self._type_name, ''  # chosen again until it is recorded
        message_type = message_class(name)
        if message_type is None:
            msg = f'the package of {name} is not installed here. Source it, start again.'
            raise BagError(msg)
        self._box.add_topic(self.name, name, offered_qos=[offered_qos(p) for p in publishers])
        self._type_name = name
        return message_type

    def _say_once(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._node.get_logger().error(sentence)

    def _listen(self, message_type: Any, publishers: Sequence[TopicEndpointInfo]) -> None:
        self._tells_of_events = publishers[0].topic_type in _EVENT_TYPES
        if not self._heard.count:
            self._heard.begin()
        depth = _DEPTHS.get(publishers[0].topic_type, _DEPTH)
        self._subscription = self._node.create_subscription(
            message_type,
            self.name,
            self._receive,  # type: ignore[arg-type]  # rclpy also calls with message info
            request_for(publishers, depth=depth),
            raw=True,
        )

    def _receive(self, data: bytes, info: dict[str, int]) -> None:
        missed = self._gaps.count(
            info['publication_sequence_number'],
            source_timestamp_ns=info['source_timestamp'],
            publishers=self._publishers,
        )
        if missed is None:
            return
        self.received += 1
        self._heard.note()
        self.lost_before_arrival += missed
        log_time_ns, publish_time_ns = message_times_ns(self._node, info)
        self._box.write(
            TimedMessage(
                topic=self.name,
                data=data,
                log_time_ns=log_time_ns,
                publish_time_ns=publish_time_ns,
            )
        )
        if self._look_at is not None:
            self._look_at(data)
