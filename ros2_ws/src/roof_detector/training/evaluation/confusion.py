# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.matching import assign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.evaluation.image_comparison import ImageComparison

BACKGROUND = 'background'
LEAST_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of targets by their class (row) and predicted class (column).

    `counts` (classes + 1, classes + 1): the last row holds predictions without a target, the last
    column the targets that were missed.
    """

    names: tuple[str, ...]
    counts: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, images: Sequence[ImageComparison], names: tuple[str, ...], *, confidence: float
    ) -> Confusion:
        """Pair boxes at IoU 0.5: first those of one class, then the others."""
        counts = np.zeros((len(names) + 1, len(names) + 1), np.intp)
        for image in images:
            taken = pair(image, confidence=confidence)
            found_classes = image.found.class_ids[: len(taken)]
            rows = np.append(image.true.class_ids, len(names))[taken]
            np.add.at(counts, (rows, found_classes), 1)
            missed = np.delete(image.true.class_ids, taken[taken >= 0])
            np.add.at(counts, (missed, np.full(len(missed), len(names))), 1)
        return cls(names, counts)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'names': [*self.names, BACKGROUND],
            'rows': 'what is there',
            'columns': 'what was found',
            'counts': self.counts.tolist(),
        }


def pair(image: ImageComparison, *, confidence: float) -> npt.NDArray[np.intp]:
    """Return the target that each prediction above the confidence takes, -1 for none.

    Predictions are in descending order of confidence, so those above the confidence come first.
    """
    kept = int(np.count_nonzero(image.found.scores > confidence))
    iou, same_class = image.boxes.iou[:kept], image.same_class[:kept]
    taken = assign(np.where(same_class, iou, -1.0), least_iou=LEAST_IOU)
    free = np.ones(len(image.true), np.bool_)
    free[taken[taken >= 0]] = False
    left = np.where((taken < 0)[:, None] & free[None], iou, -1.0)
    return np.where(taken >= 0, taken, assign(left, least_iou=LEAST_IOU))
