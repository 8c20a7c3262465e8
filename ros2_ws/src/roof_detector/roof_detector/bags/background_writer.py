# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.oldest_first import keep
from roof_detector.bags.schemas import message_schema
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
class _Queued:
    message: TimedMessage
    counted_bytes: int


class BackgroundWriter:
    """Write a bag from a thread of its own, so that whoever hands in messages never waits.

    What the disk cannot keep up with is dropped and counted by topic, once `max_queue_bytes` wait
    to be written. After a failure the bag is closed, the state says why, and whatever waits or
    still comes counts as dropped.
    """

    def __init__(self, writer: BagWriter, *, max_queue_bytes: int) -> None:
        self._writer = writer
        self._max_queue_bytes = max_queue_bytes
        self._queue: deque[_Queued | Callable[[], None]] = deque()
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
        offered = tuple(offered_qos)
        self._soon(partial(self._writer.add_topic, name, type_name, offered_qos=offered))

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Hand in a metadata record; see BagWriter."""
        self._soon(partial(self._writer.add_record, name, dict(values)))

    def update_manifest(self, values: Mapping[str, str]) -> None:
        """Hand in news for the manifest; see BagWriter."""
        self._soon(partial(self._writer.update_manifest, dict(values)))

    def keep(self, *, reason: str) -> None:
        """Protect the bag from being deleted to make room."""
        self._soon(partial(keep, self._writer.path, reason=reason))

    def write(self, topic: str, data: bytes, *, log_time_ns: int, publish_time_ns: int) -> None:
        """Hand in one message; returns at once."""
        small = len(data) <= _SMALL_BYTES
        limit = self._max_queue_bytes * (1.0 if small else 1.0 - _KEPT_FOR_SMALL)
        with self._changed:
            if self._failure or self._closing or self._queued_bytes + len(data) > limit:
                self._dropped[topic] += 1
                return
            message = TimedMessage(topic, data, log_time_ns, publish_time_ns)
            self._queue.append(_Queued(message, len(data)))
            self._queued_bytes += len(data)
            self._changed.notify()

    def pour(self, messages: Iterable[TimedMessage]) -> None:
        """Hand in messages that lie in memory already, so none is dropped for want of it."""
        with self._changed:
            if self._failure or self._closing:
                self._dropped.update(message.topic for message in messages)
                return
            self._queue.extend(_Queued(message, 0) for message in messages)
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

    def finish(self) -> None:
        """Take nothing more, write what is queued and finish the bag; returns at once."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    @property
    def is_finished(self) -> bool:
        """Tell whether the bag is closed, in order or by a failure."""
        return not self._thread.is_alive()

    def close(self) -> WritingState:
        """Write what is queued, finish the bag and return how it ended."""
        self.finish()
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
            if isinstance(item, _Queued):
                self._queued_bytes -= item.counted_bytes
            return item

    def _soon(self, action: Callable[[], None]) -> None:
        with self._changed:
            self._queue.append(action)
            self._changed.notify()

    def _take(self, item: object) -> None:
        if isinstance(item, _Queued):
            message = item.message
            try:
                self._writer.write(
                    message.topic,
                    message.data,
                    log_time_ns=message.log_time_ns,
                    publish_time_ns=message.publish_time_ns,
                )
            except Exception:
                with self._changed:
                    self._dropped[message.topic] += 1
                raise
        elif callable(item):
            item()
        else:
            self._writer.flush_if_due()

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = self._failure or reason
            waiting = [item.message for item in self._queue if isinstance(item, _Queued)]
            self._dropped.update(message.topic for message in waiting)
            self._queue.clear()
            self._queued_bytes = 0
