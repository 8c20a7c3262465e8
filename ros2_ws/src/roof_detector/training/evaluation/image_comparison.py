# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The predictions of one image beside its targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.detections import Detections
from roof_detector.vision.matching import pairwise_iou
from training.evaluation.mask_overlap import compare_masks
from training.evaluation.overlap import Overlap

if TYPE_CHECKING:
    from pathlib import Path

    from training.evaluation.ground_truth import GroundTruth


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageComparison:
    """Predictions and targets, both with class ids of the data, and how they overlap.

    `found` are the predictions in descending order of confidence, `true` the targets. `masks` is
    None unless both sides have outlines. `size_wh` is the image's size, (0, 0) where not known.
    """

    path: Path
    true: GroundTruth
    found: Detections
    boxes: Overlap
    masks: Overlap | None = None
    size_wh: tuple[int, int] = (0, 0)

    @classmethod
    def compare(
        cls,
        path: Path,
        *,
        found: Detections,
        true: GroundTruth,
        masks: bool = False,
        size_wh: tuple[int, int] = (0, 0),
    ) -> ImageComparison:
        """Compare boxes and optionally masks; the masks themselves are not kept."""
        found_xyxy = found.boxes_xyxy.astype(np.float64)
        boxes = Overlap(
            iou=pairwise_iou(found_xyxy, true.boxes_xyxy),
            found_areas=(found_xyxy[:, 2:] - found_xyxy[:, :2]).prod(axis=1),
            true_areas=true.areas,
        )
        mask_overlap = None
        if masks and found.masks is not None:
            mask_overlap = compare_masks(found.masks, true)
        bare = Detections(
            boxes_xyxy=found.boxes_xyxy, scores=found.scores, class_ids=found.class_ids
        )
        return cls(
            path=path, true=true, found=bare, boxes=boxes, masks=mask_overlap, size_wh=size_wh
        )

    @property
    def same_class(self) -> npt.NDArray[np.bool_]:
        """Return which predictions and targets (predictions, targets) are of one class."""
        return self.found.class_ids[:, None] == self.true.class_ids[None]
