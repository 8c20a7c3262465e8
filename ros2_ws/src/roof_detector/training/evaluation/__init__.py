# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The evaluation of a model with the letterbox, NMS and thresholds of the detector node."""

from __future__ import annotations

from training.evaluation.errors import EvaluationError
from training.evaluation.evaluation import Evaluation
from training.evaluation.evaluator import evaluate
from training.evaluation.labelled_split import LabelledSplit, open_split
from training.evaluation.metrics import ClassMetrics

__all__ = [
    'ClassMetrics',
    'Evaluation',
    'EvaluationError',
    'LabelledSplit',
    'evaluate',
    'open_split',
]
