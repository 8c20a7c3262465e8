# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counts the images that the network sees smaller than its smallest objects can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.offline.class_resolution import ClassResolution, reduction_of
from roof_detector.offline.settings import NetworkFacts
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
        self._network = NetworkFacts.of(detector)
        self._classes = ClassResolution(coarsest_m=detector.coarsest_m)
        self._frames = self._reduced = 0
        self._strongest = 0.0

    def count(self, size_wh: tuple[int, int], photo: Path | None) -> None:
        """Count an image that was inferred; `photo` is its file where it has one."""
        self._frames += 1
        reduction = reduction_of(size_wh, self._network, self._tiling)
        is_reduced = reduction > MOST_REDUCED
        shown_m = None
        if is_reduced or self._classes.coarsest_m:
            shown_m = self._shown_m(size_wh, photo, reduction)
        self._classes.count(shown_m)
        if not is_reduced or self._shows_trained_scale(shown_m):
            return
        self._reduced += 1
        self._strongest = max(self._strongest, reduction)

    def notes(self) -> list[str]:
        """Return a sentence where images were reduced too far, and on each class that is lost."""
        if not self._reduced:
            return self._classes.notes()
        return [
            *self._classes.notes(),
            f'{self._reduced} of {self._frames} images were shown to the model at down to '
            f'1/{self._strongest:.1f} of their size: objects under {self._least_px} pixels '
            'across cannot be found in them. Add --auto-tiles, or --tiles to see every pixel.',
        ]

    @property
    def limit(self) -> str:
        """Return of what nothing can be said to be there, if that is so for all images."""
        if not self._reduced or self._reduced < self._frames:
            nowhere = self._classes.nowhere()
            return f'({", ".join(nowhere)} cannot be judged)' if nowhere else ''
        return f'of {self._least_px} pixels or more across'

    @property
    def _least_px(self) -> int:
        return round(_LEAST_OBJECT_PX * self._strongest)

    def _shows_trained_scale(self, shown_m: float | None) -> bool:
        """Return whether the ground is known to be shown no coarser than in training."""
        trained_m = self._detector.metres_per_pixel
        return trained_m is not None and shown_m is not None and shown_m <= trained_m[1]

    def _shown_m(
        self, size_wh: tuple[int, int], photo: Path | None, reduction: float
    ) -> float | None:
        """Return the metres on the ground of a pixel of the input, None where it is not known."""
        if photo is None:
            return None
        try:
            pose = read_photo_pose(photo)
            height_m = height_above(self._ground, pose)
            focal_px = float(pose.lens.scaled(size_wh).matrix[0, 0])
        except (TelemetryError, GeoError):
            return None
        shown_m = height_m / focal_px * reduction
        return shown_m if shown_m > 0 else None
