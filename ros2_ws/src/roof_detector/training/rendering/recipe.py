# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recipe of a rendered set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

LOWEST_M, HIGHEST_M = 5.0, 60.0


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """The number of frames, their size, their seed, and what they show.

    The defaults are the recipe that trained best so far: flights from 6 to 34 m, frames rendered
    at twice the size and reduced as the node reduces them, seven of eight empty frames left out.
    """

    output: Path
    frames: int
    """Training and validation frames together."""
    val_frames: int = 0
    seed: int = 0
    size_wh: tuple[int, int] = (640, 360)
    """Size of the written images."""
    render_scale: int = 2
    """Frames are rendered this many times larger and then reduced."""
    altitude_m: tuple[float, float] = (6.0, 34.0)
    """Heights above the eaves, drawn evenly in their logarithm."""
    empty_share: float = 0.125
    """Share of the frames without a label that are kept."""
    default_world_share: float = 0.5
    """Share of worlds as the demo and the node's simulated flight have them."""
    near_share: float = 0.5
    """Share of hovering poses near an object of a class that is drawn evenly."""
    survey_share: float = 0.2
    """Share of frames from a survey flight's own path instead of a hovering pose."""
    frames_per_world: int = 16
    segments: bool = False
    backgrounds: Path | None = None
    """Folder of images from above over which objects are laid, for a share of the worlds."""
    background_share: float = 0.3
    background_m_per_px: float = 0.03
    """Ground resolution of those images; objects get the size that it asks for."""
    parapet_share: float = 0.0
    """Share of the units over those images that stand in rows along a piece of a parapet."""

    def __post_init__(self) -> None:
        if self.frames < 1 or self.frames_per_world < 1:
            msg = f'{self.frames} frames cannot be rendered; ask for one or more.'
            raise TrainingError(msg)
        if not 0 <= self.val_frames <= self.frames:
            msg = f'val_frames is {self.val_frames}; give 0 to {self.frames}, all frames together.'
            raise TrainingError(msg)
        if self.seed < 0:
            msg = f'The seed is {self.seed}; give a whole number from zero up.'
            raise TrainingError(msg)
        if min(self.size_wh) < 64:
            msg = f'The size is {self.size_wh}; give 64 pixels a side or more.'
            raise TrainingError(msg)
        if self.render_scale not in (1, 2, 3, 4):
            msg = f'render_scale is {self.render_scale}; give 1, 2, 3 or 4.'
            raise TrainingError(msg)
        low, high = self.altitude_m
        if not LOWEST_M <= low <= high <= HIGHEST_M:
            msg = (
                f'The altitude is {low:g} to {high:g} m; give a lowest and a highest height '
                f'within {LOWEST_M:g} and {HIGHEST_M:g} m.'
            )
            raise TrainingError(msg)
        if not 0.005 <= self.background_m_per_px <= 0.2:
            msg = (
                f'The background resolution is {self.background_m_per_px:g} m a pixel; '
                'give 0.005 to 0.2.'
            )
            raise TrainingError(msg)
        for name in (
            'empty_share',
            'default_world_share',
            'near_share',
            'survey_share',
            'background_share',
            'parapet_share',
        ):
            if not 0 <= getattr(self, name) <= 1:
                msg = f'{name} is {getattr(self, name)}; give a share from 0 to 1.'
                raise TrainingError(msg)
