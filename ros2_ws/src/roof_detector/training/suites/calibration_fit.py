# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Fits what a confidence is worth: isotonic regression of right and wrong on confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.calibration import ConfidenceCalibration
from training.evaluation.calibration import Calibration
from training.suites.suite_rows import CALIBRATION_FLOOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.suites.suite_rows import ClassRow

Floats = npt.NDArray[np.float64]
Rows = tuple[tuple[float, float], ...]

# Of fewer a curve says more of these few objects than of the model.
LEAST_RIGHT, LEAST_DETECTIONS = 20, 40
_MOST_STEPS = 12
# Between two steps of the curve: order within a class must stay.
_LEAST_RISE = 1e-4


@dataclass(frozen=True)
class FittedCalibration:
    """The curve of a class, and the calibration error before and after it.

    `after` is measured on images that the curve was not fitted on: one half by the other.
    """

    curve: Rows
    before: float
    after: float
    detections: int


def fit(rows: Sequence[ClassRow]) -> FittedCalibration | None:
    """Fit a class on the rows of sets that may choose models; None where too little is right.

    Only rows of the role validate count: those of train flatter, those of evaluate are for
    judging. Images with even and odd numbers judge each other.
    """
    used = [row for row in rows if row.role == 'validate']
    if not used:
        return None
    scores = np.concatenate([row.scores for row in used])
    hits = np.concatenate([row.hits for row in used]).astype(np.float64)
    halves = np.concatenate([row.image_ids % 2 for row in used])
    kept = scores > CALIBRATION_FLOOR
    if hits[kept].sum() < LEAST_RIGHT or kept.sum() < LEAST_DETECTIONS:
        return None
    judged = scores.copy()
    for half in (0, 1):
        curve = isotonic(scores[halves != half], hits[halves != half])
        judged[halves == half] = _applied(scores[halves == half], curve)
    return FittedCalibration(
        curve=isotonic(scores, hits),
        before=_error(scores[kept], hits[kept]),
        after=_error(judged[kept], hits[kept]),
        detections=int(kept.sum()),
    )


def isotonic(scores: Floats, hits: Floats) -> Rows:
    """Return the rising curve of least squared error (pool adjacent violators, Ayer et al. 1955).

    `scores` (n,) are confidences and `hits` (n,) 1 where right. Steps are joined by straight lines
    through their centres; the curve reaches from confidence 0 to 1.
    """
    order = np.argsort(scores, kind='stable')
    scores, hits = scores[order], hits[order]
    blocks: list[list[float]] = []  # sum of scores, sum of hits, count
    for chunk in np.array_split(np.arange(len(scores)), min(_MOST_STEPS, len(scores)) or 1):
        if not len(chunk):
            continue
        blocks.append([scores[chunk].sum(), hits[chunk].sum(), float(len(chunk))])
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    points = [(block[0] / block[2], _mean(block)) for block in blocks]
    return _from_0_to_1(points)


def _mean(block: Sequence[float]) -> float:
    """Return the share that is right, as if one more had been right and one wrong (Laplace)."""
    return (block[1] + 1) / (block[2] + 2)


def _from_0_to_1(points: Sequence[tuple[float, float]]) -> Rows:
    """Return the points with ends at the confidences 0 and 1, strictly rising in both columns."""
    inner = [(score, right) for score, right in points if 0 < score < 1]
    last = inner[-1][1] if inner else 1.0
    rows = [(0.0, 0.0), *inner, (1.0, last + (1 - last) / 2 if inner else 1.0)]
    rising: list[tuple[float, float]] = []
    for score, right in rows:
        if rising and score - rising[-1][0] < _LEAST_RISE:
            continue
        lowest = rising[-1][1] + _LEAST_RISE if rising else 0.0
        rising.append((round(score, 6), round(max(right, lowest), 6)))
    if rising[-1][0] != 1.0:
        rising[-1] = (1.0, rising[-1][1])
    return tuple(rising)


def _applied(scores: Floats, curve: Rows) -> Floats:
    calibration = ConfidenceCalibration((np.array(curve),))
    ids = np.zeros(len(scores), np.int32)
    return calibration.apply(scores.astype(np.float32), ids).astype(np.float64)


def _error(scores: Floats, hits: Floats) -> float:
    found = Calibration.of_hits(scores, hits.astype(np.bool_), confidence=-1.0)
    return found.error or 0.0
