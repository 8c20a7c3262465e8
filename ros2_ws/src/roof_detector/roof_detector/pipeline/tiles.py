# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tiled inference within a time budget: which tiles of a frame are inferred, and how many."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf, isinf
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.inference.tiled import infer_tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.settings import PipelineSettings
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.tiles import TileGrid

# The first pass of a new batch size may take many times as long as those after it.
_COSTS_KEPT = 9
# One more tile must fit with this much to spare: else its number would change with every frame,
# and runtimes plan again for each size of a batch.
_TO_SPARE = 0.5


class TileBudget:
    """Estimates from the time that tiles took how many fit into a budget."""

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
    """How many of a frame's `tiles` were `inferred` in the newest frame.

    `since_s` is when the tile that has waited longest was last inferred, or, before all have had a
    turn, when the first had its own: on the clock of the caller.
    """

    tiles: int
    inferred: int
    since_s: float


class TileTurns:
    """The turns of the tiles of one stream's frames, the least recently inferred ones first.

    Belongs to the thread that owns the model; `report` may be read by any. `on_done` hears in that
    thread how many tiles of a frame are done, and of how many.
    """

    def __init__(self) -> None:
        self.report: TileReport | None = None
        self.on_done: Callable[[int, int], None] | None = None
        self._grid: TileGrid | None = None
        self._seen_s: list[float] = []
        self._began_s = 0.0

    def next_positions(self, grid: TileGrid, count: int, *, now_s: float) -> tuple[int, ...]:
        """Return the positions whose turn it is; another grid begins again."""
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

    def reset(self) -> None:
        """Forget all turns, as where frames are no longer inferred in tiles."""
        self.report = self._grid = None


class FrameTiles:
    """Infers tiles of frames within a budget; belongs to the thread of the model."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._budget = TileBudget()

    def infer(
        self,
        image_bgr: npt.NDArray[np.uint8],
        whole: Detections,
        settings: PipelineSettings,
        *,
        turns: TileTurns,
    ) -> Detections:
        """Return the detections of the whole frame merged with those of the tiles of this turn.

        `image_bgr` is the frame in full size; an infinite budget infers all tiles.
        """
        assert settings.tiling is not None
        size_wh = image_bgr.shape[1], image_bgr.shape[0]
        grid = settings.tiling.grid(size_wh, input_wh=self._detector.image_size)
        started_s = perf_counter()
        is_unlimited = isinf(settings.tile_budget_s)
        count = len(grid) if is_unlimited else self._budget.count(settings.tile_budget_s)
        positions = turns.next_positions(grid, count, now_s=started_s)
        if not positions:
            return whole
        detections = infer_tiles(
            self._detector,
            image_bgr,
            whole,
            settings.thresholds,
            grid=grid,
            positions=positions,
            on_done=turns.on_done,
        )
        self._budget.spend(len(positions), seconds=perf_counter() - started_s)
        return detections
