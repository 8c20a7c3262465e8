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
    first = np.asarray(first_xyxy, np.float64).reshape(-1, 1, 4)
    second = np.asarray(second_xyxy, np.float64).reshape(1, -1, 4)
    corners_low = np.maximum(first[..., :2], second[..., :2])
    corners_high = np.minimum(first[..., 2:], second[..., 2:])
    shared = np.clip(corners_high - corners_low, 0, None).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


@dataclass
class Score:
    """Count agreement over many pictures: right, wrong and missed, by class name."""

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
        """Add one picture; what was found comes by falling score.

        Each thing takes the best overlapping true box of its class that none before it took, the
        rule of the PASCAL VOC challenge.
        """
        if len(found_xyxy) != len(found_names) or len(true_xyxy) != len(true_names):
            msg = (
                f'{len(found_xyxy)} and {len(true_xyxy)} boxes came with {len(found_names)} and '
                f'{len(true_names)} names, expected a name per box.'
            )
            raise VisionError(msg)
        overlap = pairwise_iou(found_xyxy, true_xyxy)
        free = np.ones(len(true_names), np.bool_)
        true_array = np.array(true_names)
        for row, name in zip(overlap, found_names, strict=True):
            open_row = np.where(free & (true_array == name), row, -1.0)
            best = int(open_row.argmax()) if len(open_row) else -1
            if best >= 0 and open_row[best] >= least_iou:
                free[best] = False
                self.right[name] = self.right.get(name, 0) + 1
            else:
                self.wrong[name] = self.wrong.get(name, 0) + 1
        for name in true_array[free].tolist():
            self.missed[name] = self.missed.get(name, 0) + 1


def _ratio(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
