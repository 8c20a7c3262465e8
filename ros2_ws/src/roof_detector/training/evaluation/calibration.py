# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Calibration: whether a confidence of 0.8 is right four times in five."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.evaluation.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

_BINS = 10


@dataclass(frozen=True, eq=False)
class Calibration:
    """For each tenth of the predictions above a confidence, their mean confidence and precision.

    `scores` (mean confidences), `precisions` and `counts` are of the tenths (k,) that are not
    empty. `error` is the expected calibration error of Naeini et al. (2015), the mean gap weighted
    by the counts.
    """

    scores: npt.NDArray[np.float64]
    precisions: npt.NDArray[np.float64]
    counts: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rankings: Sequence[Ranking], *, confidence: float) -> Calibration:
        """Compare the confidences of all classes with their hits at IoU 0.5."""
        together = Ranking.join(rankings)
        return cls.of_hits(together.scores, together.hits[0], confidence=confidence)

    @classmethod
    def of_hits(
        cls,
        scores: npt.NDArray[np.float64],
        hits: npt.NDArray[np.bool_],
        *,
        confidence: float,
    ) -> Calibration:
        """Compare confidences (n,) above one with what is right (n,)."""
        kept = scores > confidence
        scores, hits = scores[kept], hits[kept]
        bins = np.minimum((scores * _BINS).astype(np.intp), _BINS - 1)
        counts = np.bincount(bins, minlength=_BINS)
        full = counts > 0
        sums = [np.bincount(bins, weights=of, minlength=_BINS)[full] for of in (scores, hits)]
        return cls(sums[0] / counts[full], sums[1] / counts[full], counts[full])

    @property
    def error(self) -> float | None:
        """Return the mean gap between confidence and precision; None without predictions."""
        if not len(self.counts):
            return None
        return float(np.average(abs(self.scores - self.precisions), weights=self.counts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'expected_calibration_error': self.error,
            'scores': self.scores.tolist(),
            'precisions': self.precisions.tolist(),
            'counts': self.counts.tolist(),
        }
