# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A checkpoint of our network for the baseline node, which reads no other format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inference.backends.torch_backend import read_model
from roof_detector.inference.package.container import is_package
from roof_detector.inference.quiet_ultralytics import import_quietly

if TYPE_CHECKING:
    from pathlib import Path


def baseline_checkpoint(model: Path, *, folder: Path) -> Path:
    """Return a file that ultralytics' YOLO can read: `model`, or a checkpoint of a package."""
    if not is_package(model):
        return model
    network, facts = read_model(model)
    width, height = facts.image_size
    size = width if width == height else [height, width]
    network.args = {'imgsz': size, 'task': facts.task}
    path = folder / f'{model.stem}.pt'
    checkpoint = {'epoch': -1, 'model': network.half(), 'train_args': network.args}
    import_quietly('torch').save(checkpoint, path)
    return path
