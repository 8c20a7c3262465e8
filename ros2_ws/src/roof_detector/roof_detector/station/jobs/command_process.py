# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A command of ours as a process of its own, whose crash or hunger hurts nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOG = 'log.txt'
_INTERRUPTED_WITHIN_S = 10.0
_LAST_BYTES = 16_384


class CommandProcess:
    """Run `roof_detector` with some words, at low priority, and hear what it says of itself.

    `is_unwanted` tells that it was stopped: its end says nothing about its work.
    """

    def __init__(self, arguments: list[str], *, log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.is_unwanted = False

    async def run(self, on_event: Callable[[dict[str, Any]], None]) -> int:
        """Run it to its end and return its exit code, minus a signal's number for a signal."""
        with self._log.open('wb') as log:
            # A live detector on the same computer comes first.
            self._process = await asyncio.create_subprocess_exec(
                *('nice', '-n', '10', sys.executable, '-u', '-m', 'roof_detector.cli.main'),
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the station; it ends its jobs in order
            )
        if self.is_unwanted:
            await self.stop()
        assert self._process.stdout is not None
        while line := await _line(self._process.stdout):
            event = _event(line)
            if event:
                on_event(event)
        return await self._process.wait()

    async def stop(self, *, patience_s: float = _INTERRUPTED_WITHIN_S) -> None:
        """Interrupt it, and kill it with all that it started where it does not heed."""
        self.is_unwanted = True
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

    def last_words(self) -> str:
        """Return the last line that it wrote to its log."""
        with self._log.open('rb') as file:
            file.seek(max(0, self._log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors='replace').strip().splitlines()
        return lines[-1].strip() if lines else ''


def reason_of(code: int, last_words: str) -> str:
    """Say why a process ended with a code other than 0, as far as that can be told."""
    if code == -signal.SIGKILL:
        return 'The process was killed by the system; most likely the memory ran out.'
    if code < 0:
        return f'The process crashed ({signal.Signals(-code).name}). {last_words}'.strip()
    return last_words or f'The process ended with code {code}.'


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line, b'' at the end; one that is too long to be ours is left out."""
    while True:
        try:
            return await stream.readline()
        except ValueError:
            continue  # what was read of it is gone; its rest is no event either


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}  # a library's words, not ours
    return event if isinstance(event, dict) and 'event' in event else {}
