# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the newest thing of each sender waits for its turn."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from roof_detector.supervision.doorbell import Doorbell

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Hold at most one item of each sender between threads: the newest wins.

    Senders are served in the order in which they began to wait: a newer item takes the place of
    the older one, which is handed back, and whoever was served goes to the end. One thread takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = Doorbell()
        self._items: dict[Hashable, T] = {}
        self._closed = False

    def put(self, item: T, *, sender: Hashable = None) -> T | None:
        """Leave an item and return the one it displaces, or the item itself once closed."""
        with self._lock:
            if self._closed:
                return item
            displaced = self._items.get(sender)
            self._items[sender] = item
        self._filled.ring()
        return displaced

    def take(self) -> T | None:
        """Wait for an item and take it out; return None once the mailbox is closed."""
        while True:
            with self._lock:
                if self._items:
                    return self._items.pop(next(iter(self._items)))
                if self._closed:
                    return None
            self._filled.wait()

    def close(self) -> tuple[T, ...]:
        """Wake the taker for good and return the items that nobody took."""
        with self._lock:
            self._closed = True
            items = tuple(self._items.values())
            self._items.clear()
        self._filled.ring()
        return items
