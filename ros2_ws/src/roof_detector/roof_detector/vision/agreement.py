# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How far two detectors agree about one image when neither of them is the ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.matching import pairwise_iou

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.vision.detections import Detections


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement:
    """What two sets of detections of one image have in common.

    `pairs` (k, 2) int are positions in the first and in the second, `ious` (k,) their overlaps;
    `only_first` and `only_second` the positions without a partner.
    """

    pairs: npt.NDArray[np.intp]
    ious: npt.NDArray[np.float64]
    only_first: npt.NDArray[np.intp]
    only_second: npt.NDArray[np.intp]

    @property
    def disagreement(self) -> float:
        """Return the number of boxes without a partner plus what the pairs lack in overlap."""
        alone = len(self.only_first) + len(self.only_second)
        return float(alone + (1.0 - self.ious).sum())


def agree(
    first: Detections,
    second: Detections,
    *,
    first_names: Sequence[str],
    second_names: Sequence[str],
    least_iou: float = 0.5,
) -> Agreement:
    """Pair boxes of one class name, those with the highest IoU first, each at most once.

    Unlike matching with the ground truth, confidence does not matter: no side is the reference.
    """
    named_first = np.array(first_names, np.str_)[first.class_ids] if len(first) else np.array([])
    named_second = (
        np.array(second_names, np.str_)[second.class_ids] if len(second) else np.array([])
    )
    overlap = pairwise_iou(first.boxes_xyxy, second.boxes_xyxy)
    if overlap.size:
        overlap = np.where(named_first[:, None] == named_second[None], overlap, -1.0)
    rows, columns = np.nonzero(overlap >= least_iou)
    pairs: list[tuple[int, int]] = []
    for place in np.argsort(-overlap[rows, columns], kind='stable'):
        row, column = int(rows[place]), int(columns[place])
        if all(row != i and column != j for i, j in pairs):
            pairs.append((row, column))
    paired = np.array(pairs, np.intp).reshape(-1, 2)
    return Agreement(
        pairs=paired,
        ious=overlap[paired[:, 0], paired[:, 1]],
        only_first=np.setdiff1d(np.arange(len(first)), paired[:, 0]),
        only_second=np.setdiff1d(np.arange(len(second)), paired[:, 1]),
    )
