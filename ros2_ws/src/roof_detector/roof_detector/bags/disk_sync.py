# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Disk syncs of a bag, at once or in a thread behind its writer."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar('_T')


class DiskSync:
    """A runner of slow disk operations, in the caller's thread or in one of its own.

    A slow disk takes seconds for a sync. In the background, jobs run one at a time in the order of
    submission, while the writer continues to hand data to the kernel, where a kill of the process
    cannot reach it.
    """

    def __init__(self, *, behind: bool) -> None:
        self._executor = ThreadPoolExecutor(1, 'bag sync') if behind else None
        self._running: list[Future[None]] = []

    def run(self, sync: Callable[[], None], *, wait: bool) -> bool:
        """Sync, at once if `wait`; return False while another job still runs.

        Raises what this job, or one before it, raised.
        """
        if wait or self._executor is None:
            self.wait()
            sync()
            return True
        while self._running and self._running[0].done():
            self._running.pop(0).result()
        if self._running:
            return False
        self._running.append(self._executor.submit(sync))
        return True

    def submit_deferred(self, job: Callable[[], None]) -> None:
        """Run a job after those before it; the next `run` or `wait` raises its error."""
        if self._executor is None:
            job()
        else:
            self._running.append(self._executor.submit(job))

    def submit(self, job: Callable[[], _T]) -> Future[_T]:
        """Run a job after those before it, and return its future."""
        if self._executor is not None:
            return self._executor.submit(job)
        future: Future[_T] = Future()
        try:
            future.set_result(job())
        except Exception as error:  # the future raises it, as a thread's would
            future.set_exception(error)
        return future

    def wait(self) -> None:
        """Wait until all jobs have ended, and raise their error."""
        while self._running:
            self._running.pop(0).result()

    def close(self) -> None:
        """Wait until all jobs have ended, whatever their outcome; none can start afterwards."""
        self._running.clear()
        if self._executor is not None:
            self._executor.shutdown()
