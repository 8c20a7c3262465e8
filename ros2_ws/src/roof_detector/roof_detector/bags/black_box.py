# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A ring buffer of the last seconds of all topics, written to a bag on a trigger."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roof_detector.bags.latched_messages import LatchedMessages
from roof_detector.bags.schemas import message_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roof_detector.bags.background_writer import BackgroundWriter
    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.timed_message import TimedMessage


@dataclass(frozen=True, kw_only=True)
class BlackBoxState:
    """What a black box holds in memory."""

    held_s: float
    held_bytes: int
    held_messages: int
    forgotten_early: int  # messages that were dropped before `keep_s` because of `max_bytes`


class BlackBox:
    """The last seconds of all topics in memory, until a bag is attached.

    While a bag is attached, messages go straight to its writer; once detached, the black box fills
    again. It holds at most `max_bytes`: if that is too little, it holds fewer seconds and counts
    the messages that it dropped early. Latched topics, labels and calibration are remembered
    however old they are, so that every bag begins with them. One thread at a time may use a black
    box.
    """

    def __init__(
        self, *, keep_s: float, max_bytes: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        # Not the messages' own time, which may stand still, jump or be simulated.
        self._clock_s = clock_s
        self._topics: dict[str, tuple[str, tuple[OfferedQos, ...]]] = {}
        self._held: deque[tuple[float, TimedMessage]] = deque()
        self._held_bytes = 0
        self._forgotten_early = 0
        self._standing = LatchedMessages()
        self._writer: BackgroundWriter | None = None

    def add_topic(
        self, name: str, type_name: str, *, offered_qos: Sequence[OfferedQos] = ()
    ) -> None:
        """Announce a topic; raise BagError at once for a type that is unknown."""
        message_schema(type_name)
        self._topics[name] = type_name, tuple(offered_qos)
        self._standing.add_topic(name, type_name, offered_qos=offered_qos)
        if self._writer is not None:
            self._writer.add_topic(name, type_name, offered_qos=offered_qos)

    def write(self, message: TimedMessage) -> None:
        """Buffer one message, or pass it to the attached bag."""
        self._standing.note(message)
        if self._writer is not None:
            self._writer.write(message)
        elif self._keep_s:
            self._held.append((self._clock_s(), message))
            self._held_bytes += len(message.data)
            self._forget()

    def attach(self, writer: BackgroundWriter) -> None:
        """Write the buffered messages to a bag in order of arrival; pass on those that follow."""
        self._forget()
        for name, (type_name, offered_qos) in self._topics.items():
            writer.add_topic(name, type_name, offered_qos=offered_qos)
        held = [message for _, message in self._held]
        writer.write_held(self._latched_before(held))
        writer.write_held(held)
        self._held.clear()
        self._held_bytes = 0
        self._writer = writer

    def detach(self) -> None:
        """Detach the bag and buffer messages in memory again."""
        self._writer = None

    def state(self) -> BlackBoxState:
        """Return what the black box holds."""
        self._forget()
        held_s = self._clock_s() - self._held[0][0] if self._held else 0.0
        return BlackBoxState(
            held_s=held_s,
            held_bytes=self._held_bytes,
            held_messages=len(self._held),
            forgotten_early=self._forgotten_early,
        )

    def _latched_before(self, held: Sequence[TimedMessage]) -> list[TimedMessage]:
        """Return latched messages that are not buffered, at the time of the first buffered one."""
        in_memory = {id(message.data) for message in held}
        return [
            replace(message, log_time_ns=held[0].log_time_ns if held else message.log_time_ns)
            for message in self._standing
            if id(message.data) not in in_memory
        ]

    def _forget(self) -> None:
        oldest_s = self._clock_s() - self._keep_s
        while self._held and (self._held[0][0] < oldest_s or self._held_bytes > self._max_bytes):
            arrived_s, message = self._held.popleft()
            self._held_bytes -= len(message.data)
            self._forgotten_early += arrived_s >= oldest_s
