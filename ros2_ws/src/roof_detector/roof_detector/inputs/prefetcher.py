# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Work that is done before it is needed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar('T')
# The first item may need a world, a file or a model to be opened.
_FIRST_PATIENCE_S = 60.0


class Ahead(Generic[T]):
    """Iterate in a thread of its own, at most `depth` items ahead of whoever takes them.

    An exception of the iteration comes out where the item would have come, as RuntimeError where
    it was none that may be caught: nobody waits for ever for a thread that died. `stop` may be
    called from any thread; `join` waits for the thread.
    """

    def __init__(self, items: Iterable[T], *, depth: int) -> None:
        self._items = items
        self._depth = depth
        # Appended at one end and taken at the other, by one thread each.
        self._ready: deque[T] = deque()
        self._filled, self._emptied = Doorbell(), Doorbell()
        self._finished = False
        self._stopped = False
        self._failure: BaseException | None = None
        self._thread = WatchedThread(self._work, name='ahead')
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while not self._stopped:
            if self._ready:
                item = self._ready.popleft()
                self._emptied.ring()
                yield item
            elif self._finished or not self._thread.is_alive():
                if not self._ready:
                    break
            else:
                self._filled.wait()
        if self._stopped:
            return
        if isinstance(self._failure, Exception):
            raise self._failure
        if self._failure is not None or not self._finished:
            msg = f'The thread that works ahead died ({self._thread.death or self._failure!r}).'
            raise RuntimeError(msg) from self._failure

    def stop(self) -> None:
        """End the iteration on both sides."""
        self._stopped = True
        self._filled.ring()
        self._emptied.ring()

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
                self._ready.append(item)
                self._filled.ring()
                while not self._stopped and len(self._ready) >= self._depth:
                    self._emptied.wait()
                if self._stopped:
                    return
                heart.begin('making an item')
        except Exception as error:  # whatever it was, it must not look like the end
            self._failure = error
        except BaseException as error:
            self._failure = error
            raise  # nobody meant this to be an error: the thread is dead
        finally:
            self._finished = True
            self._filled.ring()
