# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the newest frame waits for the worker."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Hold at most one item between two threads: the newest wins, the older is handed back."""

    def __init__(self) -> None:
        self._filled = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> T | None:
        """Leave an item and return the one it displaces, or the item itself once closed."""
        with self._filled:
            if self._closed:
                return item
            displaced, self._item = self._item, item
            self._filled.notify()
        return displaced

    def take(self) -> T | None:
        """Wait for an item and take it out; return None once the mailbox is closed."""
        with self._filled:
            self._filled.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
        return item

    def close(self) -> T | None:
        """Wake the taker for good and return the item that nobody took."""
        with self._filled:
            self._closed = True
            item, self._item = self._item, None
            self._filled.notify_all()
        return item
