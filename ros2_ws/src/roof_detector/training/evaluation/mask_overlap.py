# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The overlap of predicted masks with labelled outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.evaluation.overlap import Overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.vision.masks import Masks
    from training.evaluation.ground_truth import GroundTruth

Window = tuple[slice, slice]
Mask = tuple[Window, npt.NDArray[np.bool_]]


def compare_masks(found: Masks, true: GroundTruth) -> Overlap:
    """Compare predicted masks with outlines, pixel by pixel of the source image."""
    size_wh = found.source_wh
    true_masks = [fill(parts, size_wh) for parts in true.outlines]
    found_masks = list(found.windows())
    return overlap_of(found_masks, true_masks)


def overlap_of(found: list[Mask], true: list[Mask]) -> Overlap:
    """Compare masks given as rows and columns of a window, and the mask within it."""
    found_areas, true_areas = (
        np.array([np.count_nonzero(inside) for _, inside in masks], np.float64)
        for masks in (found, true)
    )
    shared = np.array([[_shared(one, other) for other in true] for one in found])
    shared = shared.reshape(len(found), len(true)).astype(np.float64)
    union = found_areas[:, None] + true_areas[None] - shared
    iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return Overlap(iou, found_areas, true_areas)


def fill(parts: Sequence[npt.NDArray[np.float64]], size_wh: tuple[int, int]) -> Mask:
    """Return the pixels whose centres the outlines (k, 2) in pixels enclose or touch."""
    limit = np.array(size_wh) - 1
    outlines = [np.clip(np.rint(part - 0.5).astype(np.int32), 0, limit) for part in parts]
    points = np.concatenate(outlines)
    low, high = points.min(axis=0), points.max(axis=0) + 1
    canvas = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for outline in outlines:  # one by one: fillPoly would leave a hole where two parts overlap
        cv2.fillPoly(canvas, [outline - low], (1,))
    window = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    return window, canvas.astype(np.bool_)


def _shared(one: Mask, other: Mask) -> int:
    """Count the pixels that both cover."""
    cuts = []
    for axis in (0, 1):
        a, b = one[0][axis], other[0][axis]
        start, stop = max(a.start, b.start), min(a.stop, b.stop)
        if start >= stop:
            return 0
        cuts.append([slice(start - side.start, stop - side.start) for side in (a, b)])
    (rows_a, rows_b), (columns_a, columns_b) = cuts
    return int(np.count_nonzero(one[1][rows_a, columns_a] & other[1][rows_b, columns_b]))
