# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ctrl-C and SIGTERM as a request to stop after the batch."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interrupted(BaseException):
    """A signal ends the run; not an Exception, so that no handler takes it for an error."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f'stopped by {signal.Signals(signal_number).name}')
        self.signal_number = signal_number
        self.epochs_done = 0

    @property
    def exit_code(self) -> int:
        """Return the exit code that a shell expects: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal_number


class StopRequest:
    """The first signal that asks to stop; the second one ends the process at once."""

    def __init__(self) -> None:
        self._signal_number: int | None = None

    @property
    def made(self) -> bool:
        """Return whether a signal has arrived."""
        return self._signal_number is not None

    def raise_if_made(self) -> None:
        """Raise Interrupted if a signal has arrived."""
        if self._signal_number is not None:
            raise Interrupted(self._signal_number)

    def _make(self, signal_number: int, _: FrameType | None) -> None:
        self._signal_number = signal_number
        signal.signal(signal_number, signal.SIG_DFL)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Collect SIGINT and SIGTERM as a request for as long as the context lasts."""
    request = StopRequest()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request._make) for number in signals}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
