# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Work that is done before it is needed."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar('T')
# The first item may need a world, a file or a model to be opened.
_FIRST_PATIENCE_S = 60.0
_LOOK_AGAIN_S = 0.5


class Ahead(Generic[T]):
    """Iterate in a thread of its own, at most `depth` items ahead of whoever takes them.

    An exception of the iteration comes out where the item would have come, as RuntimeError where
    it was none that may be caught: nobody waits for ever for a thread that died. `stop` may be
    called from any thread; `join` waits for the thread.
    """

    def __init__(self, items: Iterable[T], *, depth: int) -> None:
        self._items = items
        self._depth = depth
        self._ready: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._stopped = False
        self._failure: BaseException | None = None
        self._thread = WatchedThread(self._work, name='ahead')
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not (self._ready or self._finished or self._stopped):
                    self._changed.wait(_LOOK_AGAIN_S)
                    if not self._thread.is_alive():
                        break
                if self._stopped:
                    return
                if not self._ready:
                    break
                item = self._ready.popleft()
                self._changed.notify_all()
            yield item
        if isinstance(self._failure, Exception):
            raise self._failure
        if self._failure is not None or not self._finished:
            msg = f'The thread that works ahead died ({self._thread.death or self._failure!r}).'
            raise RuntimeError(msg) from self._failure

    def stop(self) -> None:
        """End the iteration on both sides."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; tell whether it ended."""
        self._thread.join(timeout_s)
        ended = not self._thread.is_alive()
        if ended:
            self._thread.abandon()
        return ended

    def _work(self) -> None:
        heart = self._thread.heart
        heart.begin('making the first item', patience_s=_FIRST_PATIENCE_S)
        try:
            for item in self._items:
                heart.rest()
                with self._changed:
                    self._ready.append(item)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._stopped or len(self._ready) < self._depth)
                    if self._stopped:
                        return
                heart.begin('making an item')
        except Exception as error:  # whatever it was, it must not look like the end
            self._failure = error
        except BaseException as error:
            self._failure = error
            raise  # nobody meant this to be an error: the thread is dead
        finally:
            with self._changed:
                self._finished = True
                self._changed.notify_all()
