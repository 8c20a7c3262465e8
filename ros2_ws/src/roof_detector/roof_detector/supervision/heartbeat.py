# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a thread is at, and since when."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SMOOTHING = 0.2


@dataclass(frozen=True)
class WorkItem:
    """One piece of work of a thread; `number` tells it from the one before.

    `patience_s` is how long it may take where that is known to be long, such as opening a model;
    infinite while the thread waits for another one, which is watched itself.
    """

    number: int
    what: str
    since_s: float
    patience_s: float = 0.0


class Heartbeat:
    """The sign of life of one thread: the work item that it is at, None while it waits for work.

    Written by that thread alone and read by any: each change sets one attribute. `usual_s` is how
    long its items took lately, so that a slow computer is not taken for a dead thread.
    """

    def __init__(self) -> None:
        self.item: WorkItem | None = None
        self.usual_s = 0.0
        self._number = 0

    def begin(self, what: str, *, patience_s: float = 0.0) -> None:
        """Begin a work item; one that was in work is over."""
        self.rest()
        self._number += 1
        self.item = WorkItem(self._number, what, time.monotonic(), patience_s)

    def rest(self) -> None:
        """Wait for work, however long."""
        item, self.item = self.item, None
        if item is not None and not item.patience_s:
            self.learn(time.monotonic() - item.since_s)

    def learn(self, took_s: float) -> None:
        """Take a duration for a usual one."""
        self.usual_s += _SMOOTHING * (took_s - self.usual_s)

    @contextmanager
    def patient(self, what: str, *, patience_s: float) -> Iterator[None]:
        """Do something that may take so long; what the thread was at before begins again after."""
        before = self.item
        self.begin(what, patience_s=patience_s)
        try:
            yield
        finally:
            if before is None:
                self.rest()
            else:
                self.begin(before.what, patience_s=before.patience_s)
