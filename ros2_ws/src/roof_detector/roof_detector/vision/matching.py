# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""IoU of boxes, and the matching of predictions with targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError


def pairwise_iou(
    first_xyxy: npt.NDArray[np.floating[Any]], second_xyxy: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Return the intersection over union of every box (n, 4) with every box (m, 4), as (n, m)."""
    return iou_of_pairs(np.reshape(first_xyxy, (-1, 1, 4)), np.reshape(second_xyxy, (1, -1, 4)))


def iou_of_pairs(
    first_xyxy: npt.NDArray[np.floating[Any]], second_xyxy: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Return the intersection over union of boxes (..., 4) that NumPy broadcasts together."""
    shared = shared_areas(first_xyxy, second_xyxy)
    union = box_areas(first_xyxy) + box_areas(second_xyxy) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def shared_areas(
    first_xyxy: npt.NDArray[np.floating[Any]], second_xyxy: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Return the intersection area of boxes (..., 4), broadcast together."""
    # Side by side: a product over an axis of two takes NumPy four times as long.
    sides = [
        np.minimum(first_xyxy[..., k + 2], second_xyxy[..., k + 2], dtype=np.float64)
        - np.maximum(first_xyxy[..., k], second_xyxy[..., k], dtype=np.float64)
        for k in (0, 1)
    ]
    return np.asarray(np.maximum(sides[0], 0) * np.maximum(sides[1], 0))


def box_areas(boxes_xyxy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the area of boxes (..., 4)."""
    sides = np.subtract(boxes_xyxy[..., 2:], boxes_xyxy[..., :2], dtype=np.float64)
    return np.asarray(sides.prod(axis=-1))


def assign(
    overlap: npt.NDArray[np.floating[Any]],
    *,
    least_iou: float,
    second_choice: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.intp]:
    """Return the position of the target that each prediction takes, -1 for none.

    `overlap` (predictions, targets) in descending order of confidence, below `least_iou` for pairs
    that may not match. Each prediction takes the target of highest overlap that is still free, the
    rule of PASCAL VOC and COCO; one of `second_choice` (targets,) only if no other is left. The
    last of equals is taken, as in COCO's own evaluation.
    """
    taken = np.full(len(overlap), -1, np.intp)
    free = np.ones(overlap.shape[1], np.bool_)
    groups = (free,) if second_choice is None else (~second_choice, second_choice)
    for i in np.flatnonzero((overlap >= least_iou).any(axis=1)):
        for group in groups:
            open_row = np.where(free & group, overlap[i], -np.inf)[::-1]
            best = int(open_row.argmax())
            if open_row[best] >= least_iou:
                taken[i] = len(open_row) - 1 - best
                free[taken[i]] = False
                break
    return taken


@dataclass
class MatchCounts:
    """Counts of right, wrong and missed predictions over many images, by class name."""

    right: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)

    @property
    def precision(self) -> float | None:
        """Return the share of predictions that are right; None without predictions."""
        return _ratio(sum(self.right.values()), sum(self.wrong.values()))

    @property
    def recall(self) -> float | None:
        """Return the share of targets that were predicted; None without targets."""
        return _ratio(sum(self.right.values()), sum(self.missed.values()))

    def of_class(self, name: str) -> MatchCounts:
        """Return the counts of one class alone."""
        return MatchCounts(
            *({name: counts[name]} if name in counts else {} for counts in
              (self.right, self.wrong, self.missed))
        )  # fmt: skip

    def add(
        self,
        *,
        predicted_xyxy: npt.NDArray[np.floating[Any]],
        predicted_names: list[str],
        target_xyxy: npt.NDArray[np.floating[Any]],
        target_names: list[str],
        least_iou: float = 0.5,
    ) -> None:
        """Add one image; predictions come in descending order of confidence."""
        if len(predicted_xyxy) != len(predicted_names) or len(target_xyxy) != len(target_names):
            msg = (
                f'{len(predicted_xyxy)} and {len(target_xyxy)} boxes came with '
                f'{len(predicted_names)} and {len(target_names)} names, expected a name per box.'
            )
            raise VisionError(msg)
        predicted, target = (np.array(names, np.str_) for names in (predicted_names, target_names))
        same_name = predicted[:, None] == target[None]
        overlap = np.where(same_name, pairwise_iou(predicted_xyxy, target_xyxy), -1.0)
        taken = assign(overlap, least_iou=least_iou)
        for name, position in zip(predicted_names, taken, strict=True):
            counts = self.right if position >= 0 else self.wrong
            counts[name] = counts.get(name, 0) + 1
        for i in sorted(set(range(len(target_names))) - set(taken.tolist())):
            self.missed[target_names[i]] = self.missed.get(target_names[i], 0) + 1


def _ratio(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
