# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The node's parameter file with the measured thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.vision.thresholds import Thresholds
from training.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from training.evaluation.evaluation import Evaluation
    from training.evaluation.operating_point import OperatingPoint


def parameter_text(evaluation: Evaluation) -> str:
    """Return the node's parameters as ROS 2 YAML: the best confidence of each class."""
    best = {name: one.best for name, one in evaluation.per_class.items() if one.best}
    if not best:
        msg = (
            f'{evaluation.model.path.name} found nothing right in {evaluation.data.source}, so '
            'that no confidence is better than another. No parameter file is written.'
        )
        raise EvaluationError(msg)
    options, model = evaluation.options, evaluation.model
    lines = [
        f'# Confidences of highest F1 of {model.path.name} ({model.sha256[:12]}) on',
        f'# {len(evaluation.images)} images of {evaluation.data.source.name}, split '
        f'{evaluation.data.split}, IoU 0.5.',
    ]
    if options.least_precision:
        lines.append(f'# Precision {options.least_precision:g} or more was asked for.')
    for name, point in best.items():
        lines.append(
            f'# {name}: precision {point.precision or 0:.2f}, recall {point.recall or 0:.2f}, '
            f'{point.right + point.missed} objects.'
        )
    if untold := [name for name in evaluation.names if name not in best]:
        lines.append(f'# {", ".join(untold)}: nothing right was found, so confidence decides.')
    width, height = model.image_size
    thresholds = Thresholds(
        confidence=options.confidence, iou=options.iou, max_detections=options.max_detections
    )
    return thresholds_text(
        lines, best, thresholds=thresholds, image_size=width if width == height else None
    )


def thresholds_text(
    comments: Sequence[str],
    best: Mapping[str, OperatingPoint],
    *,
    thresholds: Thresholds,
    image_size: int | None = None,
    calibrate: bool = True,
) -> str:
    """Return the node's parameters: the confidences of `best`, and how they were measured."""
    pairs = ', '.join(f"'{name}:{point.confidence!r}'" for name, point in best.items())
    lines = [
        *comments,
        '/**:',
        '  ros__parameters:',
        '    # For classes that are not named below: nothing was measured of them.',
        f'    confidence: {thresholds.confidence!r}',
        f'    class_confidence: [{pairs}]',
        '    # What the confidences were measured with; they hold for nothing else.',
        f'    iou: {thresholds.iou!r}',
        f'    max_detections: {thresholds.max_detections}',
    ]
    if image_size is not None:
        lines.append(f'    image_size: {image_size}')
    if not calibrate:
        lines.append('    calibrate: false')
    return '\n'.join(lines) + '\n'


def write_parameters(evaluation: Evaluation, path: Path, *, overwrite: bool = False) -> None:
    """Write the parameter file; replace one only with `overwrite`."""
    write_text(parameter_text(evaluation), path, overwrite=overwrite)


def write_text(text: str, path: Path, *, overwrite: bool = False) -> None:
    """Write a parameter file; replace one only with `overwrite`."""
    if path.exists() and not overwrite:
        msg = f'{path} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
