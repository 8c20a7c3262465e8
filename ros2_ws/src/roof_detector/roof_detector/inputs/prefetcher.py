# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Computes items in a thread before they are needed."""

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


class Prefetcher(Generic[T]):
    """Iterates in a thread of its own, at most `depth` items ahead of the consumer.

    An exception of the iteration is raised where the item would have come; the death of the thread
    is raised as RuntimeError, so that no consumer waits for ever. `stop` may be called from any
    thread; `join` waits for the thread.
    """

    def __init__(self, items: Iterable[T], *, depth: int) -> None:
        self._items = items
        self._depth = depth
        # One thread appends at one end, another takes from the other end.
        self._ready: deque[T] = deque()
        self._filled, self._emptied = Doorbell(), Doorbell()
        self._finished = False
        self._stopped = False
        self._failure: BaseException | None = None
        self._thread = WatchedThread(self._work, name='prefetch')
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
            msg = f'The prefetching thread died ({self._thread.death or self._failure!r}).'
            raise RuntimeError(msg) from self._failure

    def stop(self) -> None:
        """End the iteration on both sides."""
        self._stopped = True
        self._filled.ring()
        self._emptied.ring()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; return whether it ended."""
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
        except Exception as error:  # must not look like the end of the iteration
            self._failure = error
        except BaseException as error:
            self._failure = error
            raise  # not an error of the iteration: the thread dies of it
        finally:
            self._finished = True
            self._filled.ring()
