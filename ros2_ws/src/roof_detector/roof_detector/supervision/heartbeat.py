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
    infinite while the thread waits for another one, which is watched itself. `is_usual` where its
    duration tells how long the next will take.
    """

    number: int
    what: str
    since_s: float
    patience_s: float = 0.0
    is_usual: bool = True


class Heartbeat:
    """The sign of life of one thread: the work item that it is at, None before the first.

    Written by that thread alone and read by any: each change sets one attribute. Waiting is an
    item as well, begun again and again. `usual_s` is how
    long its items took lately, so that a slow computer is not taken for a dead thread.
    """

    def __init__(self) -> None:
        self.item: WorkItem | None = None
        self.usual_s = 0.0
        self._number = 0

    def begin(self, what: str, *, patience_s: float = 0.0) -> None:
        """Begin a work item; one that was in work is over."""
        self._begin(what, patience_s, is_usual=not patience_s)

    def idle(self) -> None:
        """Wait for work, for a moment; to be called again after it."""
        self._begin('waiting for work', 0.0, is_usual=False)

    def stop(self) -> None:
        """Be at nothing any more."""
        self.item = None

    def learn(self, took_s: float) -> None:
        """Take a duration for a usual one."""
        self.usual_s += _SMOOTHING * (took_s - self.usual_s)

    def _begin(self, what: str, patience_s: float, *, is_usual: bool) -> None:
        item, now_s = self.item, time.monotonic()
        if item is not None and item.is_usual:
            self.learn(now_s - item.since_s)
        self._number += 1
        self.item = WorkItem(self._number, what, now_s, patience_s, is_usual)

    @contextmanager
    def patient(self, what: str, *, patience_s: float) -> Iterator[None]:
        """Do something that may take so long; what the thread was at before begins again after."""
        before = self.item
        self.begin(what, patience_s=patience_s)
        try:
            yield
        finally:
            if before is None:
                self.stop()
            else:
                self._begin(before.what, before.patience_s, is_usual=False)
