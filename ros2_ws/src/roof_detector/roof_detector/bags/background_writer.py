# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A writer thread for a bag, so that a slow or full disk never blocks the recorder."""

from __future__ import annotations

import errno
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError, DiskFull, WriteFailed
from roof_detector.bags.schemas import message_schema
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.timed_message import TimedMessage
    from roof_detector.bags.writer import BagWriter

# When the disk is slow, images are dropped before detections: the last part of the queue is
# reserved for messages up to this size.
_SMALL_BYTES = 16 << 10
_KEPT_FOR_SMALL = 0.1
# Memory that a queued message takes besides its bytes.
_OVERHEAD_BYTES = 500
# How often an idle bag is checked, and how often writing is retried on a disk that failed.
_IDLE_WAIT_S = 0.1
_TRY_AGAIN_AFTER_S = 1.0
# How long the queue of a finished bag is still written; a process that ends has a minute.
_FINISH_WITHIN_S = 30.0
_END = object()
# A slow disk may take minutes to sync; recordings are not given up before that.
_DISK_PATIENCE_S = 180.0


@dataclass(frozen=True, kw_only=True)
class WritingState:
    """The state of a bag that is being written in the background.

    `dropped` counts the messages of each topic that are in no file. `interruption` is the reason
    why nothing can be written at present, empty while writing works; `interruptions` counts them.
    `problem` is the reason of the last interruption, or of the last message that was refused
    alone. `failure` is the reason why the bag ended before everything was written.
    """

    message_count: int
    size_bytes: int
    queued_bytes: int
    dropped: Mapping[str, int]
    failure: str
    interruption: str = ''
    interruptions: int = 0
    problem: str = ''


@dataclass(frozen=True)
class _Queued:
    message: TimedMessage
    counted_bytes: int


class BackgroundWriter:
    """A bag writer that runs in its own thread, so that the caller never waits.

    Messages that the disk cannot keep up with are dropped and counted by topic, once
    `max_queue_bytes` are queued. When the disk is full or fails, messages wait in the queue, and
    the bag continues in a new file as soon as possible. Any thread may call any method.
    """

    def __init__(self, writer: BagWriter, *, max_queue_bytes: int) -> None:
        self._writer = writer
        self._max_queue_bytes = max_queue_bytes
        self._queue: deque[_Queued | Callable[[], None]] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._finish_by_s: float | None = None
        self._dropped: Counter[str] = Counter()
        self._failure = self._interruption = self._problem = ''
        self._interruptions = 0
        self._try_now = False
        self._interrupted_s = float('-inf')
        self._thread = WatchedThread(self._run, name='bag writer')
        self._thread.start()

    def add_topic(
        self, name: str, type_name: str, *, offered_qos: Sequence[OfferedQos] = ()
    ) -> None:
        """Announce a topic; raise BagError at once for a type that is unknown."""
        message_schema(type_name)
        offered = tuple(offered_qos)
        self._soon(partial(self._writer.add_topic, name, type_name, offered_qos=offered))

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Queue a metadata record; see BagWriter."""
        self._soon(partial(self._writer.add_record, name, dict(values)))

    def update_manifest(self, values: Mapping[str, str]) -> None:
        """Queue an update of the manifest; see BagWriter."""
        self._soon(partial(self._writer.update_manifest, dict(values)))

    def keep(self, *, reason: str) -> None:
        """Protect the bag from being deleted to free space."""
        self._soon(partial(self._writer.keep, reason=reason))

    def write(self, message: TimedMessage) -> None:
        """Queue one message; returns at once."""
        size_bytes = len(message.data)
        small = size_bytes <= _SMALL_BYTES
        limit = self._max_queue_bytes * (1.0 if small else 1.0 - _KEPT_FOR_SMALL)
        with self._changed:
            waiting = self._queued_bytes + _OVERHEAD_BYTES * len(self._queue)
            if self._is_closed or waiting + size_bytes > limit:
                self._dropped[message.topic] += 1
                return
            self._queue.append(_Queued(message, size_bytes))
            self._queued_bytes += size_bytes
            self._changed.notify_all()

    def write_held(self, messages: Iterable[TimedMessage]) -> None:
        """Queue messages that are in memory already; the queue limit does not apply to them."""
        with self._changed:
            if self._is_closed:
                self._dropped.update(message.topic for message in messages)
                return
            self._queue.extend(_Queued(message, 0) for message in messages)
            self._changed.notify_all()

    def state(self) -> WritingState:
        """Return a snapshot of the counts."""
        with self._changed:
            written = self._writer.written
            return WritingState(
                message_count=written.message_count,
                size_bytes=written.size_bytes,
                queued_bytes=self._queued_bytes,
                dropped=dict(self._dropped),
                failure=self._failure,
                interruption=self._interruption,
                interruptions=self._interruptions,
                problem=self._problem,
            )

    def try_now(self, *, within_s: float) -> bool:
        """Retry a failed disk at once; return whether writing works again within the time."""
        with self._changed:
            self._try_now = True
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: not (self._interruption or self._failure), within_s
            )

    def finish(self) -> None:
        """Accept nothing more, write the queue and finish the bag; return at once."""
        with self._changed:
            if self._finish_by_s is None:
                self._finish_by_s = time.monotonic() + _FINISH_WITHIN_S
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Return whether the bag is closed, normally or by a failure."""
        return not self._thread.is_alive()

    def close(self) -> WritingState:
        """Write the queue, finish the bag and return its final state."""
        self.finish()
        self._thread.wait_for_end()
        return self.state()

    @property
    def _is_closed(self) -> bool:
        return bool(self._failure) or self._finish_by_s is not None

    def _run(self) -> None:
        try:
            while (item := self._next()) is not _END:
                self._take(item)
        except BagError as error:
            self._fail(str(error))
        except Exception as error:  # whatever it is, it must be reported and the bag closed
            self._fail(repr(error))
        # the thread is killed: the process ends, but the bag must be closed
        except BaseException as error:
            self._fail(f'Its thread died ({error!r}).')
            self._writer.close()
            raise
        try:
            self._writer.close()
        except BagError as error:
            self._fail(str(error))
        with self._changed:
            self._dropped.update(self._writer.take_losses())

    def _next(self) -> object:
        """Return the next item, None if there is none for a while, or the end marker."""
        self._thread.heart.idle()
        with self._changed:
            if not self._queue and self._finish_by_s is None:
                self._changed.wait(min(_IDLE_WAIT_S, self._writer.due_in_s))
            if self._finish_by_s is not None and time.monotonic() > self._finish_by_s:
                self._drop_waiting()
            if not self._queue:
                return _END if self._finish_by_s is not None else None
            item = self._queue.popleft()
            if isinstance(item, _Queued):
                self._queued_bytes -= item.counted_bytes
            return item

    def _soon(self, action: Callable[[], None]) -> None:
        with self._changed:
            self._queue.append(action)
            self._changed.notify_all()

    def _take(self, item: object) -> None:
        """Write an item, and retry it for as long as the disk has to be waited for."""
        self._thread.heart.begin('writing', patience_s=_DISK_PATIENCE_S)
        for attempt in count():
            try:
                self._write(item)
            except (DiskFull, WriteFailed) as error:
                try:
                    self._wait_for_disk(error, room_bytes=_size_bytes(item))
                except BagError as failure:
                    self._refuse(item, failure)
                    raise
                if attempt and error.errno == errno.EFBIG:  # too large for any file
                    self._refuse(item, error)
                    return
            except Exception as error:
                if item is None:
                    raise
                self._refuse(item, error)  # the bag continues without it
                return
            else:
                return

    def _write(self, item: object) -> None:
        if isinstance(item, _Queued):
            self._writer.write_message(item.message)
        elif callable(item):
            item()
        else:
            self._writer.flush_if_due()

    def _refuse(self, item: object, error: Exception) -> None:
        with self._changed:
            self._problem = str(error) or repr(error)
            if isinstance(item, _Queued):
                self._dropped[item.message.topic] += 1

    def _wait_for_disk(self, error: DiskFull | WriteFailed, *, room_bytes: int) -> None:
        """Return once the bag continues in a new file; raise BagError if it ends before that."""
        reason = str(error)
        if isinstance(error, DiskFull):
            try:
                self._writer.pause()  # a reader that sees the interruption finds a complete file
            except WriteFailed as failure:
                reason = str(failure)
        with self._changed:
            self._interruption = self._problem = reason
            self._interruptions += 1
        # Try once at once: a new file or folder may work where the old one failed.
        wait_s = self._interrupted_s + _TRY_AGAIN_AFTER_S - time.monotonic()
        while True:
            ending = self._pause(wait_s)
            if ending and wait_s > 0:
                raise error
            self._interrupted_s = time.monotonic()
            try:
                self._writer.resume(room_bytes=room_bytes)
            except BagError as failure:
                self._note_interruption(failure)
                if ending:
                    raise error from failure
                wait_s = _TRY_AGAIN_AFTER_S
            else:
                with self._changed:
                    self._interruption = ''
                    self._dropped.update(self._writer.take_losses())
                    self._changed.notify_all()
                return

    def _pause(self, duration_s: float) -> bool:
        """Wait, unless the bag is ending; return whether it is."""
        # A disk may fail for hours.
        self._thread.heart.begin('waiting for the disk', patience_s=inf)
        with self._changed:
            self._try_now = False
            self._changed.wait_for(
                lambda: self._finish_by_s is not None or self._try_now, max(0.0, duration_s)
            )
            return self._finish_by_s is not None

    def _note_interruption(self, error: BagError) -> None:
        with self._changed:
            self._interruption = str(error)

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = self._failure or reason
            self._interruption = ''
            self._drop_waiting()

    def _drop_waiting(self) -> None:
        waiting = [item.message for item in self._queue if isinstance(item, _Queued)]
        self._dropped.update(message.topic for message in waiting)
        self._queue.clear()
        self._queued_bytes = 0


def _size_bytes(item: object) -> int:
    return len(item.message.data) if isinstance(item, _Queued) else 0
