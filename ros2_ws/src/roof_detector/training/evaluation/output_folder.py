# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The output folder of an evaluation, written atomically."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from training.evaluation.comparison import compare
from training.evaluation.errors import EvaluationError
from training.evaluation.gallery import write_gallery
from training.evaluation.plots import plot_comparison, plot_confusion, plot_curves
from training.evaluation.report import report_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.evaluation.evaluation import Evaluation

_REPORT = 'report.json'


def check_free(output: Path, *, overwrite: bool) -> None:
    """Raise an error for a folder that is not empty, unless it is a report to be overwritten."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / _REPORT).is_file():
        msg = (
            f'{output} exists and is no report of an evaluation, not overwritten. Name another '
            '--output.'
        )
        raise EvaluationError(msg)
    if not overwrite:
        msg = f'{output} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)


def write_output(
    labelled: Mapping[str, Evaluation], output: Path, *, gallery: int = 24, overwrite: bool = False
) -> None:
    """Write report.md, report.json, curves, confusion and gallery; one folder per evaluation."""
    check_free(output, overwrite=overwrite)
    part = output.with_name(f'.{output.name}.part')
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    folders = {
        label: '' if len(labelled) == 1 else re.sub(r'[^\w.-]+', '_', label) + '/'
        for label in labelled
    }
    mistakes = {}
    for label, evaluation in labelled.items():
        folder = part / folders[label]
        folder.mkdir(exist_ok=True)
        plot_curves(evaluation, folder / 'curves.png')
        plot_confusion(
            evaluation.confusion,
            folder / 'confusion.png',
            confidence=evaluation.options.confidence,
        )
        mistakes[label] = write_gallery(evaluation, folder / 'gallery', most=gallery)
    if len(labelled) > 1:
        plot_comparison(labelled, part / 'curves.png')
    (part / 'report.md').write_text(
        report_text(labelled, folders=folders, mistakes=mistakes), encoding='utf-8'
    )
    content: dict[str, Any] = {
        'runs': {label: evaluation.to_dict() for label, evaluation in labelled.items()},
        'mistakes': mistakes,
    }
    if len(labelled) > 1:
        table = compare(labelled)
        titles = [column.title for column in table.columns]
        content['comparison'] = [dict(zip(titles, row, strict=True)) for row in table.rows]
    (part / _REPORT).write_text(json.dumps(content, indent=2, allow_nan=False), encoding='utf-8')
    shutil.rmtree(output, ignore_errors=True)
    part.replace(output)
