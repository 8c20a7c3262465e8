# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class DiskSync:
    """Bring what was written onto the disk: at once, or behind the writer's back.

    A slow disk takes seconds for it. Behind, one sync at a time runs in a thread of its own, and
    the writer goes on handing data to the kernel, where a kill of the process cannot reach it.
    """

    def __init__(self, *, behind: bool) -> None:
        self._executor = ThreadPoolExecutor(1, 'bag sync') if behind else None
        self._running: Future[None] | None = None

    def run(self, sync: Callable[[], None], *, wait: bool) -> bool:
        """Sync, at once if that is to be waited for; return False where another sync still runs.

        Raises what this one, or the one before it, raises.
        """
        if wait or self._executor is None:
            self.wait()
            sync()
            return True
        if self._running is not None and not self._running.done():
            return False
        self.wait()
        self._running = self._executor.submit(sync)
        return True

    def wait(self) -> None:
        """Wait until nothing runs any more, and raise what it raised."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def close(self) -> None:
        """Wait until nothing runs any more, however it ended; nothing can begin after."""
        self._running = None
        if self._executor is not None:
            self._executor.shutdown()
