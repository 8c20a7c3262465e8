# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.schemas import message_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.writer import BagWriter

# When the disk is slow, pictures go before detections: the last part of the queue is kept for
# messages up to this size.
_SMALL_BYTES = 16 << 10
_KEPT_FOR_SMALL = 0.1
# How often an idle bag is looked at for whether its flush is due.
_IDLE_WAIT_S = 0.1
_END = object()


@dataclass(frozen=True)
class WritingState:
    """Say how a bag is doing."""

    message_count: int
    size_bytes: int
    queued_bytes: int
    dropped: Mapping[str, int]
    failure: str


@dataclass(frozen=True)
class _Topic:
    name: str
    type_name: str
    offered_qos: tuple[OfferedQos, ...]


@dataclass(frozen=True)
class _Message:
    topic: str
    data: bytes
    log_time_ns: int
    publish_time_ns: int


class BackgroundWriter:
    """Write a bag from a thread of its own, so that whoever hands in messages never waits.

    What the disk cannot keep up with is dropped and counted by topic, once `max_queue_bytes` wait
    to be written. After a failure the bag is closed, the state says why, and whatever waits or
    still comes counts as dropped.
    """

    def __init__(self, writer: BagWriter, *, max_queue_bytes: int) -> None:
        self._writer = writer
        self._max_queue_bytes = max_queue_bytes
        self._queue: deque[_Message | _Topic] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._dropped: Counter[str] = Counter()
        self._failure = ''
        self._thread = threading.Thread(target=self._run, name='bag writer', daemon=True)
        self._thread.start()

    def add_topic(
        self, name: str, type_name: str, *, offered_qos: Sequence[OfferedQos] = ()
    ) -> None:
        """Announce a topic; raise BagError at once for a type that is unknown."""
        message_schema(type_name)
        with self._changed:
            self._queue.append(_Topic(name, type_name, tuple(offered_qos)))
            self._changed.notify()

    def write(self, topic: str, data: bytes, *, log_time_ns: int, publish_time_ns: int) -> None:
        """Hand in one message; returns at once."""
        small = len(data) <= _SMALL_BYTES
        limit = self._max_queue_bytes * (1.0 if small else 1.0 - _KEPT_FOR_SMALL)
        with self._changed:
            if self._failure or self._closing or self._queued_bytes + len(data) > limit:
                self._dropped[topic] += 1
                return
            self._queue.append(_Message(topic, data, log_time_ns, publish_time_ns))
            self._queued_bytes += len(data)
            self._changed.notify()

    def state(self) -> WritingState:
        """Return a snapshot of the counts."""
        with self._changed:
            return WritingState(
                self._writer.message_count,
                self._writer.size_bytes,
                self._queued_bytes,
                dict(self._dropped),
                self._failure,
            )

    def close(self) -> WritingState:
        """Write what is queued, finish the bag and return how it ended."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        return self.state()

    def _run(self) -> None:
        try:
            while (item := self._next()) is not _END:
                self._take(item)
        except Exception as error:  # whatever it is, it must be told and the bag closed
            self._fail(str(error) or repr(error))
        try:
            self._writer.close()
        except BagError as error:
            self._fail(str(error))

    def _next(self) -> object:
        """Return the next item, None when there is none for a while, or the end."""
        with self._changed:
            if not self._queue and not self._closing:
                self._changed.wait(_IDLE_WAIT_S)
            if not self._queue:
                return _END if self._closing else None
            item = self._queue.popleft()
            if isinstance(item, _Message):
                self._queued_bytes -= len(item.data)
            return item

    def _take(self, item: object) -> None:
        if isinstance(item, _Topic):
            self._writer.add_topic(item.name, item.type_name, offered_qos=item.offered_qos)
        elif isinstance(item, _Message):
            try:
                self._writer.write(
                    item.topic,
                    item.data,
                    log_time_ns=item.log_time_ns,
                    publish_time_ns=item.publish_time_ns,
                )
            except Exception:
                with self._changed:
                    self._dropped[item.topic] += 1
                raise
        else:
            self._writer.flush_if_due()

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = self._failure or reason
            self._dropped.update(m.topic for m in self._queue if isinstance(m, _Message))
            self._queue.clear()
            self._queued_bytes = 0
