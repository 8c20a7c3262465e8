# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Precision and recall over the confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.evaluation.operating_point import OperatingPoint

if TYPE_CHECKING:
    from typing_extensions import Self

    from training.evaluation.ranking import Ranking

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ConfidenceCurve:
    """Counts of right and wrong predictions (k,) at or above each of the descending `scores` (k,).

    `scores` are distinct confidences: predictions of equal confidence are kept or dropped
    together.
    """

    scores: Floats
    right: npt.NDArray[np.intp]
    wrong: npt.NDArray[np.intp]
    instances: int

    @classmethod
    def of(cls, ranking: Ranking) -> Self:
        """Return the curve at IoU 0.5 of a ranking."""
        return cls.of_hits(ranking.scores, ranking.hits[0], instances=ranking.instances)

    @classmethod
    def of_hits(cls, scores: Floats, hits: npt.NDArray[np.bool_], *, instances: int) -> Self:
        """Return the curve of predictions (n,) in descending order, and which are right."""
        last_of_equals = np.append(np.diff(scores) != 0, True)[: len(hits)]
        return cls(
            scores=scores[last_of_equals],
            right=np.cumsum(hits)[last_of_equals],
            wrong=np.cumsum(~hits)[last_of_equals],
            instances=instances,
        )

    @property
    def precision(self) -> Floats:
        """Return the precision (k,) at each confidence."""
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> Floats:
        """Return the recall (k,) at each confidence; zeros without targets."""
        return self.right / max(self.instances, 1)

    @property
    def f1(self) -> Floats:
        """Return the harmonic mean of both (k,)."""
        return 2 * self.right / (self.right + self.wrong + self.instances)

    def at(self, confidence: float) -> OperatingPoint:
        """Return the counts above a confidence, as the node keeps predictions."""
        place = int(np.count_nonzero(self.scores > confidence)) - 1
        right, wrong = (int(self.right[place]), int(self.wrong[place])) if place >= 0 else (0, 0)
        return OperatingPoint(
            confidence=confidence, right=right, wrong=wrong, missed=self.instances - right
        )

    def best(self, *, least_precision: float = 0.0, floor: float = 0.0) -> OperatingPoint | None:
        """Return the point of highest F1 among those with enough precision.

        If no point is precise enough it is the most precise one; None if nothing right was
        predicted. Confidences below `floor` are not considered.
        """
        if not len(self.scores) or not self.right[-1]:
            return None
        enough = self.precision >= least_precision
        if enough.any():
            place = int(np.where(enough, self.f1, -1.0).argmax())
        else:
            place = int(np.lexsort((self.right, self.precision))[-1])
        below = float(self.scores[place + 1]) if place + 1 < len(self.scores) else floor
        return self.at(_between(below, float(self.scores[place])))


def _between(low: float, high: float) -> float:
    """Return the shortest decimal near the middle that keeps `high` and drops `low`."""
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in range(2, 12))
    return next((value for value in rounded if low <= value < high), low)
