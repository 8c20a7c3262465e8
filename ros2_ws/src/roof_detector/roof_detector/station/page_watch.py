# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Supervision of the page's event loop."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from roof_detector.supervision.watched_thread import WatchedLoop

if TYPE_CHECKING:
    from roof_detector.station.jobs.job_queue import JobQueue

_log = logging.getLogger(__name__)
_BEAT_S = 0.2


class PageWatch:
    """A task that reports to the watchdog that the event loop runs, and restarts the job worker.

    Both belong to the event loop, which starts and ends with the page.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the task."""
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        """Stop the task."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _beat(self) -> None:
        with WatchedLoop('page') as loop:
            while True:
                loop.heart.begin('serving the page')
                if self._queue.has_died:
                    _log.error('The job worker died; a new one starts.')
                    await self._queue.start()
                await asyncio.sleep(_BEAT_S)
