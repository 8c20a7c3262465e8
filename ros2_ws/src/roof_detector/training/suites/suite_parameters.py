# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The node's parameter file with the thresholds that a suite's validating photographs ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluation.confidence_curve import ConfidenceCurve
from training.evaluation.errors import EvaluationError
from training.evaluation.parameter_file import thresholds_text
from training.suites.suite_facts import LEAST_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.vision.thresholds import Thresholds
    from training.evaluation.operating_point import OperatingPoint
    from training.suites.suite_rows import ClassRow, SuiteResult


def best_confidences(
    result: SuiteResult, *, least_precision: float = 0.0
) -> Mapping[str, OperatingPoint]:
    """Return the point of highest F1 of each class on the sets that may choose, as shown first.

    Images without objects of a class count too: each detection of it there is wrong. Classes with
    fewer than LEAST_OBJECTS objects, or of which nothing right was found, have none.
    """
    points = {}
    for name in result.names:
        rows = [row for row in result.judged(name) if row.role == 'validate']
        if sum(row.objects for row in rows) >= LEAST_OBJECTS:
            point = _joined(rows).best(least_precision=least_precision)
            if point is not None:
                points[name] = point
    return points


def suite_parameter_text(
    result: SuiteResult,
    *,
    thresholds: Thresholds,
    least_precision: float = 0.0,
    calibrate: bool = True,
) -> str:
    """Return the node's parameters as ROS 2 YAML: the best confidence of each class.

    Without `calibrate` they are the network's own confidences. Raises EvaluationError where no
    class has one.
    """
    best = best_confidences(result, least_precision=least_precision)
    if not best:
        msg = (
            f'{result.model} found nothing right of a class with {LEAST_OBJECTS} objects or more '
            f'in the sets of the role validate of {result.suite.title}. No parameter file is '
            'written.'
        )
        raise EvaluationError(msg)
    lines = [
        f'# Confidences of highest F1 of {result.model} ({result.sha256[:12]}), IoU 0.5, on the',
        f'# sets of {result.suite.title} that may choose, as they are shown first.',
    ]
    if least_precision:
        lines.append(f'# Precision {least_precision:g} or more was asked for.')
    for name, point in best.items():
        rows = [row for row in result.judged(name) if row.role == 'validate']
        lines.append(
            f'# {name}: precision {point.precision or 0:.2f}, recall {point.recall or 0:.2f}, '
            f'{point.right + point.missed} objects in {sum(row.images for row in rows)} images.'
        )
    if untold := [name for name in result.names if name not in best]:
        lines.append(f'# {", ".join(untold)}: too little was there or found; confidence decides.')
    return thresholds_text(lines, best, thresholds=thresholds, calibrate=calibrate)


def _joined(rows: Sequence[ClassRow]) -> ConfidenceCurve:
    scores = np.concatenate([row.scores for row in rows])
    hits = np.concatenate([row.hits for row in rows])
    order = np.argsort(-scores, kind='stable')
    return ConfidenceCurve.of_hits(
        scores[order], hits[order], instances=sum(row.objects for row in rows)
    )
