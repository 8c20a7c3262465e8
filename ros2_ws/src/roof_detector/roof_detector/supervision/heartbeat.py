# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a thread is doing, and since when."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SMOOTHING = 0.2


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """One piece of work of a thread; `number` distinguishes it from the one before.

    `patience_s` is how long it may take if it is known to be long, such as opening a model;
    infinite while the thread waits for another one, which is watched itself. `is_usual` if its
    duration predicts that of the next one.
    """

    number: int
    what: str
    since_s: float
    patience_s: float = 0.0
    is_usual: bool = True


class Heartbeat:
    """The sign of life of one thread: its present work item, None before the first.

    The thread itself writes it and any thread reads it: each change sets one attribute. Waiting is
    an item as well, begun again and again. `usual_s` is how long recent items took, so that a slow
    computer is not taken for a dead thread.
    """

    def __init__(self) -> None:
        self.item: WorkItem | None = None
        self.usual_s = 0.0
        self._number = 0

    def begin(self, what: str, *, patience_s: float = 0.0) -> None:
        """Begin a work item and end the one before."""
        self._begin(what, patience_s, is_usual=not patience_s)

    def idle(self) -> None:
        """Begin a moment of waiting for work; to be called again after it."""
        self._begin('waiting for work', 0.0, is_usual=False)

    def stop(self) -> None:
        """End the present work item without a next one."""
        self.item = None

    def learn(self, took_s: float) -> None:
        """Include a duration in the usual one."""
        self.usual_s += _SMOOTHING * (took_s - self.usual_s)

    def _begin(self, what: str, patience_s: float, *, is_usual: bool) -> None:
        item, now_s = self.item, time.monotonic()
        if item is not None and item.is_usual:
            self.learn(now_s - item.since_s)
        self._number += 1
        self.item = WorkItem(
            number=self._number, what=what, since_s=now_s, patience_s=patience_s, is_usual=is_usual
        )

    @contextmanager
    def patient(self, what: str, *, patience_s: float) -> Iterator[None]:
        """Do something that may take long; afterwards the work item before it begins again."""
        before = self.item
        self.begin(what, patience_s=patience_s)
        try:
            yield
        finally:
            if before is None:
                self.stop()
            else:
                self._begin(before.what, before.patience_s, is_usual=False)
