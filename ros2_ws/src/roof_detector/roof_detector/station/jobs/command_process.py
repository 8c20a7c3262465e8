# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A roof_detector command in a process of its own, so that a crash affects nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = 'log.txt'
_INTERRUPTED_WITHIN_S = 10.0
_LAST_BYTES = 16_384


class CommandProcess:
    """A process that runs `roof_detector` at low priority and reports its JSON events.

    `was_stopped` is whether `stop` was called; then the exit code says nothing about the work.
    """

    def __init__(self, arguments: list[str], *, log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.was_stopped = False

    async def run(self, on_event: Callable[[dict[str, Any]], None]) -> int:
        """Run the command and return its exit code; after a signal, minus the signal's number."""
        with self._log.open('wb') as log:
            # A live detector on the same computer comes first.
            self._process = await asyncio.create_subprocess_exec(
                *('nice', '-n', '10', sys.executable, '-u', '-m', 'roof_detector.cli.main'),
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the station, which ends its jobs itself
            )
        if self.was_stopped:
            await self.stop()
        assert self._process.stdout is not None
        while line := await _line(self._process.stdout):
            event = _event(line)
            if event:
                on_event(event)
        return await self._process.wait()

    async def stop(self, *, patience_s: float = _INTERRUPTED_WITHIN_S) -> None:
        """Interrupt the process; kill it and its children if it does not end in time."""
        self.was_stopped = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a session of its own is a group as well
            await process.wait()

    def last_line(self) -> str:
        """Return the last line of the process's log."""
        with self._log.open('rb') as file:
            file.seek(max(0, self._log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors='replace').strip().splitlines()
        return lines[-1].strip() if lines else ''


def reason_of(code: int, last_line: str) -> str:
    """Return why a process ended with a code other than 0, as far as that is known."""
    if code == -signal.SIGKILL:
        return 'The process was killed by the system, probably because memory ran out.'
    if code < 0:
        return f'The process crashed ({signal.Signals(-code).name}). {last_line}'.strip()
    return last_line or f'The process ended with code {code}.'


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line, b'' at the end; skip a line that is too long for an event."""
    while True:
        try:
            return await stream.readline()
        except ValueError:
            continue  # asyncio has dropped the line


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}  # output of a library
    return event if isinstance(event, dict) and 'event' in event else {}
