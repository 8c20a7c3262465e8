# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The architectures that can be trained, and their tasks."""

from __future__ import annotations

import difflib
from pathlib import Path

from ultralytics.nn.tasks import guess_model_task, yaml_model_load

from roof_detector.blocks.model_files import model_files
from training.errors import TrainingError

_STOCK = ('yolo11.yaml', 'yolo11-seg.yaml')


def task_of(model: str) -> str:
    """Return detect or segment for a model's YAML, or raise TrainingError."""
    try:
        rows = yaml_model_load(model)
    except (FileNotFoundError, KeyError) as error:
        known = [*_STOCK, *(path.name for path in model_files())]
        close = difflib.get_close_matches(Path(model).name, known, n=1, cutoff=0.5)
        hint = f' Did you mean {close[0].replace("yolo11", "yolo11n", 1)}?' if close else ''
        msg = (
            f'model is {model}, which is no architecture.{hint} Known, with a scale n to x after '
            f'yolo11: {", ".join(known)}.'
        )
        raise TrainingError(msg) from error
    task = str(guess_model_task(rows))
    if task not in ('detect', 'segment'):
        msg = f'model is {model}, for the task {task}; expected one that detects or segments.'
        raise TrainingError(msg)
    return task
