# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The torch network of a package, built from its architecture and its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.network import load_network
from roof_detector.inference.importing.tensor_file import load_tensors
from roof_detector.inference.package.manifest import WEIGHTS

if TYPE_CHECKING:
    from roof_detector.inference.package.model_package import ModelPackage


def open_network(package: ModelPackage) -> Any:
    """Build the network of a package, an ultralytics DetectionModel in FP32 and evaluation mode.

    The architecture is checked as data before the parser sees it, and no more memory is used than
    its weights need. Raises BadModel.
    """
    where, manifest = package.path, package.manifest
    tensors = load_tensors(package.files[WEIGHTS], where=where / WEIGHTS)
    try:
        network = load_network(package.architecture(), tensors, strides=manifest.strides)
    except BadModel as error:
        msg = f'{where} is refused: {error}'
        raise BadModel(msg) from error
    task = 'segment' if 'Segment' in type(network.model[-1]).__name__ else 'detect'
    classes = int(network.model[-1].nc)
    if task != manifest.task or classes != len(manifest.class_names):
        msg = (
            f'{where} is refused: its architecture is for the task {task} with {classes} classes, '
            f'its manifest says {manifest.task} with {len(manifest.class_names)}.'
        )
        raise BadModel(msg)
    network.names = dict(enumerate(manifest.class_names))
    return network.eval()
