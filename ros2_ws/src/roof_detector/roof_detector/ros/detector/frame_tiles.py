# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The tiles of the frames of all cameras, in the time that is given to them."""

from __future__ import annotations

from time import perf_counter

from roof_detector.inference.detector import Detector
from roof_detector.inference.tile_turns import TileBudget
from roof_detector.inference.tiled import infer_tiles
from roof_detector.ros.detector.detector_parameters import DetectorSettings
from roof_detector.ros.detector.frame_stages import ReadyFrame
from roof_detector.vision.detections import Detections


class FrameTiles:
    """Look closer at frames within a budget; belongs into the thread of the model."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._budget = TileBudget()

    def look(self, frame: ReadyFrame, whole: Detections, settings: DetectorSettings) -> Detections:
        """Add what the tiles show whose turn it is.

        A frame that was decoded smaller before tiles were asked for goes without.
        """
        turns = frame.arrival.camera.tiles
        if not settings.has_tiles:
            turns.rest()
            return whole
        picture = frame.picture
        if picture.reduced:
            return whole
        grid = settings.tiling.grid(picture.source_wh, input_wh=self._detector.image_size)
        started_s = perf_counter()
        count = self._budget.count(settings.tile_budget_s)
        positions = turns.take(grid, count, now_s=started_s)
        if not positions:
            return whole
        found = infer_tiles(
            self._detector,
            picture.image_bgr,
            whole,
            settings.thresholds,
            grid=grid,
            positions=positions,
        )
        self._budget.spend(len(positions), seconds=perf_counter() - started_s)
        return found
