# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tiled (sliced) inference: small objects in large frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.vision.seams import View, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.detector import Detector
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.thresholds import Thresholds
    from roof_detector.vision.tiles import TileGrid

# Tiles that run as one batch: memory grows with each, and none of the devices gains by more.
MAX_BATCH = 8


def infer_tiles(
    detector: Detector,
    image_bgr: npt.NDArray[np.uint8],
    whole: Detections,
    thresholds: Thresholds,
    *,
    grid: TileGrid,
    positions: Sequence[int],
    on_done: Callable[[int, int], None] | None = None,
) -> Detections:
    """Merge the detections in some tiles of a frame into those in the whole frame.

    Belongs into the thread that owns the detector. `image_bgr` is the frame in full size.
    `on_done` hears after each batch how many of the tiles are done, and how many there are.
    """
    if not positions:
        return whole
    views = [View.of_frame(whole, grid.source_wh)]
    for first in range(0, len(positions), MAX_BATCH):
        batch = positions[first : first + MAX_BATCH]
        preprocessed = [detector.preprocess(grid.crop(image_bgr, position)) for position in batch]
        for position, output in zip(batch, detector.infer(*preprocessed), strict=True):
            views.append(View.of_tile(detector.postprocess(output, thresholds), grid, position))
        if on_done is not None:
            on_done(first + len(batch), len(positions))
    return merge(
        views,
        source_wh=grid.source_wh,
        iou=thresholds.iou,
        max_detections=thresholds.max_detections,
    )
