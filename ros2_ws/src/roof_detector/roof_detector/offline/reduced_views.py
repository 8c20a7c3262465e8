# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counts the images that the network sees smaller than its smallest objects can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_pose import read_photo_pose
from roof_detector.telemetry.photo_track import height_above
from roof_detector.vision.tiles import MOST_REDUCED

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inference.detector import Detector
    from roof_detector.vision.tiles import Tiling

# The finest level of the heads has a cell for each 8 pixels of the input; what is smaller than one
# cell has no features of its own.
_LEAST_OBJECT_PX = 8


class ReducedViews:
    """Counts images of which a network pixel stands for more than `MOST_REDUCED` pixels.

    Where a photo states its height and the model the metres per pixel that it was trained at,
    these decide instead: a reduced photo may show the ground just as the training did.
    """

    def __init__(
        self, detector: Detector, *, tiling: Tiling | None, ground: Ground | None
    ) -> None:
        self._detector = detector
        self._tiling = tiling
        self._ground = ground or Ground(map_z_m=0.0)
        self._frames = self._reduced = 0
        self._strongest = 0.0

    def count(self, size_wh: tuple[int, int], photo: Path | None) -> None:
        """Count an image that was inferred; `photo` is its file where it has one."""
        self._frames += 1
        reduction = self._reduction(size_wh)
        if reduction <= MOST_REDUCED or self._shows_trained_scale(size_wh, photo, reduction):
            return
        self._reduced += 1
        self._strongest = max(self._strongest, reduction)

    def notes(self) -> list[str]:
        """Return a sentence where images were reduced too far."""
        if not self._reduced:
            return []
        return [
            f'{self._reduced} of {self._frames} images were shown to the model at down to '
            f'1/{self._strongest:.1f} of their size: objects under {self._least_px} pixels '
            'across cannot be found in them. Add --auto-tiles, or --tiles to see every pixel.'
        ]

    @property
    def limit(self) -> str:
        """Return of what nothing can be said to be there, if that is so for all images."""
        if not self._reduced or self._reduced < self._frames:
            return ''
        return f'of {self._least_px} pixels or more across'

    @property
    def _least_px(self) -> int:
        return round(_LEAST_OBJECT_PX * self._strongest)

    def _reduction(self, size_wh: tuple[int, int]) -> float:
        """Return how many pixels of the image one of the network stands for, at best."""
        detector, seen_wh = self._detector, size_wh
        if self._tiling is not None:
            grid = self._tiling.grid(size_wh, input_wh=detector.image_size)
            seen_wh = grid.tile_wh if len(grid) else size_wh
        shown_wh = detector.needed_wh(seen_wh)
        return max(seen / shown for seen, shown in zip(seen_wh, shown_wh, strict=True))

    def _shows_trained_scale(
        self, size_wh: tuple[int, int], photo: Path | None, reduction: float
    ) -> bool:
        """Return whether the ground is known to be shown no coarser than in training."""
        trained_m = self._detector.metres_per_pixel
        if photo is None or trained_m is None:
            return False
        try:
            pose = read_photo_pose(photo)
            height_m = height_above(self._ground, pose)
            focal_px = float(pose.lens.scaled(size_wh).matrix[0, 0])
        except (TelemetryError, GeoError):
            return False
        return 0 < height_m / focal_px * reduction <= trained_m[1]
