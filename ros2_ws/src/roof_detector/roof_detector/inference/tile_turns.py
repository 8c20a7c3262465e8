# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which tiles have their turn where there is no time for all of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf
from statistics import median

from roof_detector.vision.tiles import TileGrid

# The first pass of a new batch size may take many times as long as those after it.
_COSTS_KEPT = 9
# One more tile must fit with this much to spare: else its number would change with every frame,
# and runtimes plan anew for each size of a batch.
_TO_SPARE = 0.5


class TileBudget:
    """Tell from what tiles cost how many fit into the time there is for them."""

    def __init__(self) -> None:
        self._costs_s: deque[float] = deque(maxlen=_COSTS_KEPT)
        self._count = 1

    def count(self, budget_s: float) -> int:
        """Return how many tiles fit, one at least, for else none would ever have a turn."""
        if self._costs_s:
            fitting = budget_s / max(median(self._costs_s), 1e-6)
            if not self._count <= fitting < self._count + 1 + _TO_SPARE:
                self._count = max(int(fitting), 1)
        return self._count

    def spend(self, tiles: int, *, seconds: float) -> None:
        """Learn what some tiles took together."""
        self._costs_s.append(seconds / tiles)


@dataclass(frozen=True)
class TileReport:
    """Say how many of a frame's `tiles` were `looked_at` in the newest frame.

    `since_s` is when the one left alone the longest was last looked at, or, before all have had a
    turn, when the first had its own: on the clock of whoever took turns.
    """

    tiles: int
    looked_at: int
    since_s: float


class TileTurns:
    """Give the tiles of one camera's frames their turns, the least recently seen ones first.

    Belongs to the thread that owns the model; `report` may be read by any.
    """

    def __init__(self) -> None:
        self.report: TileReport | None = None
        self._grid: TileGrid | None = None
        self._seen_s: list[float] = []
        self._began_s = 0.0

    def take(self, grid: TileGrid, count: int, *, now_s: float) -> tuple[int, ...]:
        """Return the positions whose turn it is; another grid begins anew."""
        if grid != self._grid:
            self._grid = grid
            self._seen_s = [-inf] * len(grid)
            self._began_s = now_s
        chosen = sorted(range(len(grid)), key=self._seen_s.__getitem__)[:count]
        for position in chosen:
            self._seen_s[position] = now_s
        since_s = max(min(self._seen_s, default=now_s), self._began_s)
        self.report = TileReport(len(grid), len(chosen), since_s)
        return tuple(chosen)

    def rest(self) -> None:
        """Forget all turns, as when frames are no longer cut into tiles."""
        self.report = self._grid = None
