# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The loading of a checkpoint without running its code."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
from roof_detector.inference.importing.network import load_network
from roof_detector.inference.importing.tensor_file import read_tensors
from roof_detector.inference.package.container import is_package
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.network import open_network


def load_checkpoint(
    path: Path, *, trust_model: bool = False, with_state: bool = False
) -> dict[str, Any]:
    """Return an ultralytics checkpoint as a dict, rebuilt from its data, or a package as one.

    `model` is its network, in the precision in which it was saved, in evaluation mode and without
    gradients; `train_args` has at least `imgsz` and `task`. All else are plain values. With
    `with_state` they include what a training run resumes from. Raises `BadModel` or `UnsafeModel`.
    """
    if is_package(path):
        package = ModelPackage.open(path)
        network = open_network(package)
        training = package.manifest.training
        arguments = {'task': package.manifest.task, **(training.get('train_args') or {})}
        width, height = package.manifest.image_size_wh
        arguments['imgsz'] = width if width == height else [height, width]
        network.args = arguments
        network.requires_grad_(False)  # noqa: FBT003
        return {**training, 'model': network, 'train_args': arguments}
    with tempfile.TemporaryDirectory(prefix='roof_detector-checkpoint-') as folder:
        imported = import_checkpoint(
            path, folder=Path(folder), trust=trust_model, with_state=with_state
        )
        tensors = read_tensors(imported.tensors)
    try:
        network = load_network(imported.architecture, tensors)
    except BadModel as error:
        msg = f'{path} cannot be built again: {error}'
        raise BadModel(msg) from error
    if any(tensor.dtype == torch.float16 for tensor in tensors.values()):
        network.half()
    facts = imported.facts
    width, height = facts.image_size
    given = facts.values.get('train_args')
    arguments = {
        'task': facts.task,
        'imgsz': width if width == height else [height, width],
        **(given if isinstance(given, dict) else {}),
    }
    network.names = dict(enumerate(facts.names))
    network.nc = len(facts.names)
    network.args = arguments
    network.eval().requires_grad_(False)  # noqa: FBT003
    return {**facts.values, 'model': network, 'train_args': arguments}
