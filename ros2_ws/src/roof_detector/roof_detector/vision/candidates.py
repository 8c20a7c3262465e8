# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The boxes that a network proposes, before thresholds and NMS select from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates:
    """The boxes that a network proposes for one image, each for its best class.

    `boxes_cxcywh` (n, 4) float32 in pixels of the network's input: centre x, centre y, width,
    height; `scores` (n,) float32, the confidences; `class_ids` (n,) int32, all in the network's
    own order, which decides between equal confidences. `coefficients` (n, k) float32 are those of
    the mask prototypes.
    """

    boxes_cxcywh: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    coefficients: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Candidates:
        return Candidates(
            boxes_cxcywh=self.boxes_cxcywh[index],
            scores=self.scores[index],
            class_ids=self.class_ids[index],
            coefficients=self.coefficients[index],
        )

    @property
    def boxes_xyxy(self) -> npt.NDArray[np.float32]:
        """Return the boxes (n, 4) as left, top, right, bottom in pixels of the input."""
        centres, half_sizes = self.boxes_cxcywh[:, :2], self.boxes_cxcywh[:, 2:] / 2
        return np.concatenate((centres - half_sizes, centres + half_sizes), axis=1)


def check_rows(shape: Sequence[int], *, classes: int, coefficients: int) -> None:
    """Check that predictions have the shape (4 + classes + coefficients, anchors)."""
    if len(shape) != 2 or shape[0] != 4 + classes + coefficients:
        msg = (
            f'The network gave predictions of shape {tuple(shape)}, expected '
            f'{4 + classes + coefficients} rows: 4 for the box, {classes} classes and '
            f'{coefficients} mask coefficients.'
        )
        raise VisionError(msg)


def find_candidates(
    predictions: npt.NDArray[np.float32], *, classes: int, coefficients: int = 0, floor: float
) -> Candidates:
    """Choose the anchors of one image whose best class has a confidence above `floor`.

    `predictions` (4 + classes + coefficients, anchors): centre x, centre y, width, height in input
    pixels, class confidences in 0..1, mask coefficients. Predictions that are not finite are
    dropped.
    """
    check_rows(predictions.shape, classes=classes, coefficients=coefficients)
    best = predictions[4 : 4 + classes].max(axis=0)
    columns = predictions[:, np.flatnonzero(best > floor)]  # NaN > x is false
    columns = columns[:, np.isfinite(columns).all(axis=0)]
    scores_by_class = columns[4 : 4 + classes]
    return Candidates(
        boxes_cxcywh=columns[:4].T,
        scores=scores_by_class.max(axis=0),
        class_ids=scores_by_class.argmax(axis=0).astype(np.int32),
        coefficients=columns[4 + classes :].T,
    )
