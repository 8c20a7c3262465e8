# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar('_T')


class DiskSync:
    """Do what waits for the disk: at once, or behind the writer's back.

    A slow disk takes seconds for it. Behind, one job at a time runs in a thread of its own, in the
    order of their request, and the writer goes on handing data to the kernel, where a kill of the
    process cannot reach it.
    """

    def __init__(self, *, behind: bool) -> None:
        self._executor = ThreadPoolExecutor(1, 'bag sync') if behind else None
        self._running: list[Future[None]] = []

    def run(self, sync: Callable[[], None], *, wait: bool) -> bool:
        """Sync, at once if that is to be waited for; return False where another job still runs.

        Raises what this one, or one before it, raises.
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

    def soon(self, job: Callable[[], None]) -> None:
        """Do a job behind those that run; what it raises is raised by the next `run` or `wait`."""
        if self._executor is None:
            job()
        else:
            self._running.append(self._executor.submit(job))

    def ask(self, job: Callable[[], _T]) -> Future[_T]:
        """Do a job behind those that run, and return what holds its result or error."""
        if self._executor is not None:
            return self._executor.submit(job)
        future: Future[_T] = Future()
        try:
            future.set_result(job())
        except Exception as error:  # the future's, as a thread's would be
            future.set_exception(error)
        return future

    def wait(self) -> None:
        """Wait until nothing runs any more, and raise what it raised."""
        while self._running:
            self._running.pop(0).result()

    def close(self) -> None:
        """Wait until nothing runs any more, however it ended; nothing can begin after."""
        self._running.clear()
        if self._executor is not None:
            self._executor.shutdown()
