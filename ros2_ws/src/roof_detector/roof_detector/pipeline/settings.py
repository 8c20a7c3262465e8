# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The policy of the frame pipeline, and the settings of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.vision.thresholds import Thresholds
    from roof_detector.vision.tiles import Tiling


class FramePolicy(Enum):
    """Which frames are processed where frames come faster than the model runs.

    LATEST: the newest frame of each stream wins and older ones are dropped; `submit` never waits.
    EVERY: all frames, in the order of their submission; `submit` waits while the queue is full.
    """

    LATEST = 'latest'
    EVERY = 'every'


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """The settings that may change between two frames.

    `tile_budget_s` is the time for tiled inference of one frame: 0 for none, infinite for all
    tiles. `max_age_s` is the age at which a frame is dropped, 0 for never. `candidate_floor` is
    the confidence down to which a result keeps candidates, None to keep none. `input_scale` makes
    the network's input smaller than the model's own; of `every` so many frames one is processed.
    """

    thresholds: Thresholds
    tiling: Tiling | None = None
    tile_budget_s: float = 0.0
    max_age_s: float = 0.0
    reduced_decoding: bool = False
    candidate_floor: float | None = None
    input_scale: float = 1.0
    every: int = 1

    @property
    def has_tiles(self) -> bool:
        """Return whether frames are inferred in tiles too."""
        return self.tiling is not None and self.tile_budget_s > 0
