# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How well what was found agrees with what is there."""

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
    """Return the area that boxes (..., 4) share, broadcast together."""
    low = np.maximum(first_xyxy[..., :2], second_xyxy[..., :2], dtype=np.float64)
    high = np.minimum(first_xyxy[..., 2:], second_xyxy[..., 2:], dtype=np.float64)
    return np.asarray(np.clip(high - low, 0, None).prod(axis=-1))


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
    """Return the position of the true thing that each found thing takes, -1 for none.

    `overlap` (found, true) in order of falling score, below `least_iou` where the two may not
    meet. Each takes the best overlapping one that none before took, the rule of PASCAL VOC and
    COCO; one of `second_choice` (true,) only where no other is left. The last of equals is taken,
    as COCO's own evaluation does.
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
class Score:
    """Count agreement over many images: right, wrong and missed, by class name."""

    right: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)

    @property
    def precision(self) -> float | None:
        """Return which part of what was found is there; None when nothing was found."""
        return _ratio(sum(self.right.values()), sum(self.wrong.values()))

    @property
    def recall(self) -> float | None:
        """Return which part of what is there was found; None when nothing is there."""
        return _ratio(sum(self.right.values()), sum(self.missed.values()))

    def of_class(self, name: str) -> Score:
        """Return the score of one class alone."""
        return Score(
            *({name: counts[name]} if name in counts else {} for counts in
              (self.right, self.wrong, self.missed))
        )  # fmt: skip

    def add(
        self,
        *,
        found_xyxy: npt.NDArray[np.floating[Any]],
        found_names: list[str],
        true_xyxy: npt.NDArray[np.floating[Any]],
        true_names: list[str],
        least_iou: float = 0.5,
    ) -> None:
        """Add one image; what was found comes by falling score."""
        if len(found_xyxy) != len(found_names) or len(true_xyxy) != len(true_names):
            msg = (
                f'{len(found_xyxy)} and {len(true_xyxy)} boxes came with {len(found_names)} and '
                f'{len(true_names)} names, expected a name per box.'
            )
            raise VisionError(msg)
        found, true = (np.array(names, np.str_) for names in (found_names, true_names))
        same_name = found[:, None] == true[None]
        overlap = np.where(same_name, pairwise_iou(found_xyxy, true_xyxy), -1.0)
        taken = assign(overlap, least_iou=least_iou)
        for name, position in zip(found_names, taken, strict=True):
            counts = self.right if position >= 0 else self.wrong
            counts[name] = counts.get(name, 0) + 1
        for i in sorted(set(range(len(true_names))) - set(taken.tolist())):
            self.missed[true_names[i]] = self.missed.get(true_names[i], 0) + 1


def _ratio(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
