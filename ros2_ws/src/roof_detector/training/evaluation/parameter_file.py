# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The node's parameter file with the measured thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from pathlib import Path

    from training.evaluation.evaluation import Evaluation


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
    width, height = model.image_size
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
    pairs = ', '.join(f"'{name}:{point.confidence!r}'" for name, point in best.items())
    lines += [
        '/**:',
        '  ros__parameters:',
        '    # For classes that are not named below: nothing was measured of them.',
        f'    confidence: {options.confidence!r}',
        f'    class_confidence: [{pairs}]',
        '    # What the confidences were measured with; they hold for nothing else.',
        f'    iou: {options.iou!r}',
        f'    max_detections: {options.max_detections}',
    ]
    if width == height:
        lines.append(f'    image_size: {width}')
    return '\n'.join(lines) + '\n'


def write_parameters(evaluation: Evaluation, path: Path, *, overwrite: bool = False) -> None:
    """Write the parameter file; replace one only with `overwrite`."""
    if path.exists() and not overwrite:
        msg = f'{path} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)
    text = parameter_text(evaluation)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
