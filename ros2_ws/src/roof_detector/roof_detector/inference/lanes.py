# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Several passes of one network at the same time, each on one core: more images a second."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

# Each pass in work holds its image: memory is bounded however many cores there are.
MOST_LANES = 16


class Lanes:
    """Runs passes side by side; each of `runs` takes a batch to its outputs, one at a time.

    Threads of one pass wait for each other in every layer, passes of one thread each do not.
    Results come in any order: who starts a pass waits for its own.
    """

    def __init__(self, runs: Sequence[Callable[[Any], Sequence[Any]]]) -> None:
        self.count = len(runs)
        self._free: SimpleQueue[Callable[[Any], Sequence[Any]]] = SimpleQueue()
        for run in runs:
            self._free.put(run)
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix='lane')

    def start(self, batch: Any) -> Future[tuple[Sequence[Any], float]]:
        """Start a pass on a batch; its result is the outputs, and the seconds that it took."""
        return self._pool.submit(self._run, batch)

    def close(self) -> None:
        """Wait for the passes in work and end the threads."""
        self._pool.shutdown()

    def _run(self, batch: Any) -> tuple[Sequence[Any], float]:
        run = self._free.get()
        try:
            started_s = perf_counter()
            outputs = run(batch)
            return outputs, perf_counter() - started_s
        finally:
            self._free.put(run)
