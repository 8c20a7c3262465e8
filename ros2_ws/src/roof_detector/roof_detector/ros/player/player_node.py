# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The player node: plays a bag on machines without `ros2 bag`."""

from __future__ import annotations

import fnmatch
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from std_srvs.srv import SetBool

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.inputs.due_times import LONGEST_GAP_S, SHORTENED_GAP_S
from roof_detector.inputs.prefetcher import Prefetcher
from roof_detector.ros.common.acknowledgement import wait_for_readers
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.outgoing import time_message
from roof_detector.ros.common.qos_matching import offer_of
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.ros.player.play_clock import PlayClock
from roof_detector.supervision.health import Delivery, Health, Level, health
from roof_detector.supervision.rate import Arrivals
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rclpy.publisher import Publisher

    from roof_detector.bags.topics import BagMessage, BagTopic

# Messages read before they are due; images are large.
_MESSAGES_AHEAD = 20
_CLOCK_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_DRAIN_S = 5.0
_DRAIN_PATIENCE_S = 10.0
_STOP_S = 5.0
_LONGEST_WAIT_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class PlaySettings:
    """How a bag is played; `topics` and `exclude` are names or patterns such as /camera/*.

    Playback begins `delay_s` after each topic in `wait_for` has a subscriber.
    """

    rate: float = 1.0
    loop: bool = False
    paused: bool = False
    delay_s: float = 0.0
    clock_hz: float = 100.0
    topics: tuple[str, ...] = ('*',)
    exclude: tuple[str, ...] = ()
    wait_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, most in (('rate', self.rate, 100.0), ('clock', self.clock_hz, 1000.0)):
            if not 0.01 <= value <= most:
                msg = f'The {name} is {value}, expected a number from 0.01 to {most:g}.'
                raise RosError(msg)


class PlayerNode(Node):
    """Publishes the serialised messages of a bag at their times, and /clock.

    Topics offer the QoS that they were recorded with, so latched topics are latched again.
    `~/pause` pauses and resumes the clock. The process ends with 0 after the last message.
    """

    def __init__(self, path: Path, settings: PlaySettings) -> None:
        super().__init__('player')
        self._settings = settings
        self._error = ''
        try:
            self._bag = BagReader(path)
        except BagError as error:
            raise RosError(str(error)) from error
        self._logged_damage: set[str] = set()
        self._log_damage()
        self._outputs = self._make_publishers(self._chosen_topics())
        self._check_awaited()
        self._log_handler = RosLogHandler.install(self)
        self._clock_output = self.create_publisher(Clock, '/clock', _CLOCK_QOS)
        self.create_service(SetBool, '~/pause', self._on_pause)
        self._end = self.create_guard_condition(self._finish)
        self._time = PlayClock(self._bag.start_ns, rate=settings.rate, paused=settings.paused)
        self._published = self._unsent = self._jumps = 0
        self._ticks = Arrivals()
        self._ended = False
        self._thread = WatchedThread(self._run, name='player')
        self._thread.start()
        name = f'{self.get_fully_qualified_name().lstrip("/")}: playback'
        self._diagnostics = NodeDiagnostics(self, lambda: [self._status(name)], names=[name])

    def destroy_node(self) -> None:
        """Stop the thread, then the node, then close the bag."""
        self._time.stop()
        self._thread.join(_STOP_S)
        self._diagnostics.close()
        self._log_handler.close()
        super().destroy_node()
        self._bag.close()

    def _chosen_topics(self) -> list[BagTopic]:
        def matches(name: str, patterns: Sequence[str]) -> bool:
            return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

        chosen = [
            topic
            for topic in self._bag.topics
            if topic.name != '/clock'
            and matches(topic.name, self._settings.topics)
            and not matches(topic.name, self._settings.exclude)
        ]
        if not chosen:
            names = ', '.join(topic.name for topic in self._bag.topics) or 'nothing'
            msg = f'{self._bag.path} has no topic that matches topics and exclude; it has {names}.'
            raise RosError(msg)
        return chosen

    def _make_publishers(self, topics: Sequence[BagTopic]) -> dict[str, Publisher]:
        outputs = {}
        for topic in topics:
            message_type: Any = message_class(topic.type_name)
            if message_type is None:
                self.get_logger().warning(
                    f'{topic.name} is not played: the package of {topic.type_name} is not '
                    'installed here.'
                )
                continue
            offer = offer_of(topic.offered_qos)
            try:
                outputs[topic.name] = self.create_publisher(message_type, topic.name, offer)
            except Exception as error:  # a bag may have topic names that ROS does not allow
                self.get_logger().warning(f'{topic.name!r} is not played: {error}')
        return outputs

    def _check_awaited(self) -> None:
        unplayed = [name for name in self._settings.wait_for if name not in self._outputs]
        if unplayed:
            msg = (
                f'wait-for names {", ".join(unplayed)}, expected topics that are played: '
                f'{", ".join(self._outputs) or "nothing"}.'
            )
            raise RosError(msg)

    def _run(self) -> None:
        try:
            self._wait_for_subscribers()
            self._wait(self._settings.delay_s)
            while not self._time.stopped:
                self._play()
                if not self._settings.loop:
                    break
            for output in self._outputs.values():
                if not self._time.stopped:
                    self._thread.heart.begin('waiting for readers', patience_s=_DRAIN_PATIENCE_S)
                    wait_for_readers(output, within_s=_DRAIN_S)
        except BagError as error:
            self._error = str(error)
        self._ended = True
        self._end.trigger()

    def _play(self) -> None:
        self._time.start(self._bag.start_ns)
        messages = Prefetcher(self._bag.messages(set(self._outputs)), depth=_MESSAGES_AHEAD)
        try:
            for message in messages:
                if not self._wait_for(message):
                    return
                self._thread.heart.begin('publishing a message')
                self._publish(message)
                self._thread.heart.idle()
        finally:
            messages.stop()
            messages.join(_STOP_S)

    def _publish(self, message: BagMessage) -> None:
        try:
            self._outputs[message.topic].publish(bytes(message.data))
        except Exception as error:  # the other messages are published
            self._unsent += 1
            self.get_logger().warning(
                f'A message of {message.topic} was not published: {error}',
                throttle_duration_sec=5.0,
            )
            return
        self._published += 1

    def _jump_to(self, message: BagMessage) -> None:
        """Make the bag's clock jump over a gap that is too long to wait for."""
        gap_s = (message.log_time_ns - self._time.now_ns()) / 1e9
        if abs(gap_s) <= LONGEST_GAP_S:
            return
        self._jumps += 1
        self._time.start(message.log_time_ns - int(SHORTENED_GAP_S * 1e9))
        self.get_logger().warning(
            f'The next message was recorded {abs(gap_s):.0f} s '
            f'{"later" if gap_s > 0 else "earlier"}: the clock jumps there.'
        )

    def _wait_for(self, message: BagMessage) -> bool:
        """Publish the time until a message is due; return whether it is still to be played."""
        self._jump_to(message)
        period_s = 1.0 / self._settings.clock_hz
        while not self._time.stopped:
            is_due = self._time.wait_until(message.log_time_ns, at_most_s=period_s)
            self._publish_time(at_least_ns=message.log_time_ns if is_due else 0)
            if is_due:
                return True
        return False

    def _publish_time(self, *, at_least_ns: int = 0) -> None:
        now_ns = max(self._time.now_ns(), at_least_ns)
        self._clock_output.publish(Clock(clock=time_message(now_ns)))
        self._ticks.note()

    def _wait_for_subscribers(self) -> None:
        """Wait until each awaited topic is subscribed to, a minute at most."""
        deadline_s = time.monotonic() + _LONGEST_WAIT_S
        while unheard := self._unheard():
            if self._time.stopped:
                return
            if time.monotonic() > deadline_s:
                self.get_logger().warning(
                    f'No node has subscribed to {", ".join(unheard)} within '
                    f'{_LONGEST_WAIT_S:.0f} s; playing without.'
                )
                return
            self._wait(_POLL_S)

    def _unheard(self) -> list[str]:
        awaited = self._settings.wait_for
        return [name for name in awaited if not self._outputs[name].get_subscription_count()]

    def _wait(self, duration_s: float) -> None:
        """Wait in real time before the bag's clock starts."""
        until_s = time.monotonic() + duration_s
        while not self._time.stopped and time.monotonic() < until_s:
            self._publish_time()
            left_s = min(1.0 / self._settings.clock_hz, until_s - time.monotonic())
            self._time.wait_until(self._bag.end_ns + 1, at_most_s=max(left_s, 0.0))

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._time.pause(paused=request.data)
        response.success = True
        response.message = 'Paused.' if request.data else 'Playing.'
        return response

    def _status(self, name: str) -> DiagnosticStatus:
        ticks = self._ticks
        clock = Delivery(
            'No time was published on /clock', ticks.silent_s, 1.0 / self._settings.clock_hz
        )
        faults = [Health(Level.ERROR, self._error)] if self._error else []
        if self._ended and not faults:
            faults = [Health(Level.WARN, f'All {self._published} messages are published.')]
        verdict = health(
            working=f'{self._published} messages are published.',
            faults=faults,
            missing=() if self._ended else [clock],
            has_arrived=self._published > 0,
            pause='Playback is paused by ~/pause.' if self._time.paused else '',
        )
        values = {
            'bag': self._bag.path,
            'messages_published': self._published,
            'messages_not_sent': self._unsent,
            'time_jumps': self._jumps,
            'paused': str(self._time.paused).lower(),
            'rate': self._settings.rate,
        }
        return DiagnosticStatus(
            level=bytes([verdict.level]),
            name=name,
            message=verdict.message,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )

    def _log_damage(self) -> None:
        """Log the damage that reading the bag has found so far, each item once."""
        for damage in self._bag.damage:
            if damage not in self._logged_damage:
                self._logged_damage.add(damage)
                self.get_logger().warning(damage)

    def _finish(self) -> None:
        self._log_damage()
        if self._error:
            self.get_logger().error(self._error)
            raise SystemExit(1)
        self.get_logger().info(f'Played {self._published} messages of {self._bag.path}.')
        raise SystemExit(0)
