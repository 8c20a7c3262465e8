# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Threads that are watched, so that their death or hanging is noticed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from roof_detector.supervision.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 0.1


class WatchedPart(Protocol):
    """A thread of this process, or its loop, that the watchdog checks."""

    name: str
    heart: Heartbeat
    restart: Callable[[str], None] | None

    @property
    def native_id(self) -> int | None:
        """Return Linux's number of the thread, None before it runs."""

    @property
    def death(self) -> str:
        """Return the error that killed it, empty while it lives or if it ended normally."""


_lock = threading.Lock()
_parts: list[WatchedPart] = []


def watched_parts() -> tuple[WatchedPart, ...]:
    """Return all parts of this process that must be alive now."""
    with _lock:
        return tuple(_parts)


def _add(part: WatchedPart) -> None:
    with _lock:
        _parts.append(part)


def _remove(part: WatchedPart) -> None:
    with _lock:
        if part in _parts:
            _parts.remove(part)


class WatchedThread(threading.Thread):
    """A thread that must be alive from its start until its target returns.

    Its target reports in `heart` what it does. If the watchdog finds it dead or hanging, it calls
    `restart` with the reason, in the watchdog's own thread: that starts a replacement and abandons
    this one. Without `restart` the process has to end.
    """

    def __init__(
        self,
        target: Callable[[], None],
        *,
        name: str,
        restart: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.heart = Heartbeat()
        self.restart = restart
        self.failure: BaseException | None = None
        self.is_abandoned = False
        self._work = target
        self._ended_in_order = False

    def start(self) -> None:
        """Start the thread, which is watched from now on."""
        _add(self)
        try:
            super().start()
        except RuntimeError:  # no thread can be created any more
            _remove(self)
            raise

    def run(self) -> None:
        """Run the target; an error that ends it is kept as `failure`."""
        self.heart.idle()
        try:
            self._work()
            self._ended_in_order = True
            self.heart.stop()
            _remove(self)
        # of any kind: a dead part must not look like a normal end
        except BaseException as failure:
            self.failure = failure
            if not self.is_abandoned:
                _log.exception('The thread %s died.', self.name)

    @property
    def death(self) -> str:
        """Return the error that killed it, empty while it lives or if it ended normally."""
        unborn = self.ident is None
        if unborn or self.is_alive() or self._ended_in_order or self.is_abandoned:
            return ''
        return 'unknown' if self.failure is None else _words(self.failure)

    def abandon(self) -> None:
        """Stop watching it: a replacement has its work, and its later results are void."""
        self.is_abandoned = True
        _remove(self)

    def wait_for_end(self) -> None:
        """Wait until it has ended or is abandoned; a dead thread counts as ended."""
        while self.is_alive() and not self.is_abandoned:
            self.join(_LOOK_AGAIN_S)
        _remove(self)


class WatchedLoop:
    """The loop of a thread that is not created here, such as the main one; watched in a `with`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heart = Heartbeat()
        self.restart: Callable[[str], None] | None = None
        self.native_id: int | None = None

    @property
    def death(self) -> str:
        """Return nothing: it lives as long as its `with`."""
        return ''

    def __enter__(self) -> Self:
        self.native_id = threading.get_native_id()
        _add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _remove(self)


def current_heart() -> Heartbeat:
    """Return the heartbeat of the calling thread; an unread one if it is not watched."""
    thread = threading.current_thread()
    if isinstance(thread, WatchedThread):
        return thread.heart
    native_id = threading.get_native_id()
    mine = (part.heart for part in watched_parts() if part.native_id == native_id)
    return next(mine, Heartbeat())


def _words(failure: BaseException) -> str:
    text = str(failure).strip().partition('\n')[0]
    return f'{type(failure).__name__}: {text}' if text else type(failure).__name__
