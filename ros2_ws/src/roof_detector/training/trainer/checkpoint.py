# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The content of a checkpoint: the averaged network in FP16, and its record."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

import torch
import ultralytics
from torch import nn

from roof_detector.inference.importing.architecture import ARCHITECTURE_KEYS

RECORD = 'roof_detector'  # the key of the run's record, plain values alone


def make_checkpoint(
    model: nn.Module, *, arguments: dict[str, Any], metrics: dict[str, Any], record: Any
) -> dict[str, Any]:
    """Return a checkpoint in ultralytics' layout that the strict loader accepts."""
    network: Any = deepcopy(model).half().to(memory_format=torch.contiguous_format).eval()
    for name in ('criterion', 'pt_path'):
        if hasattr(network, name):
            setattr(network, name, None)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            torch.nan_to_num_(tensor)  # values beyond FP16 become the largest it can hold
    network.requires_grad_(False)  # noqa: FBT003
    plain = {key: value for key, value in arguments.items() if _is_plain(value)}
    network.args = plain
    return {
        'epoch': -1,
        'model': network,
        'train_args': plain,
        'train_metrics': {name: float(value) for name, value in metrics.items()},
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'version': ultralytics.__version__,
        'license': 'AGPL-3.0-only',
        RECORD: record,
    }


def architecture_of(model: Any) -> dict[str, Any]:
    """Return the mapping from which a network is rebuilt, without the parser's own entries."""
    architecture = {key: one for key, one in model.yaml.items() if key in ARCHITECTURE_KEYS}
    if 'yaml_file' in architecture:
        architecture['yaml_file'] = PurePath(architecture['yaml_file']).name
    return architecture


def trained_network(checkpoint: dict[str, Any]) -> Any:
    """Return the network of a checkpoint in FP32: during training the averaged one."""
    return (checkpoint.get('ema') or checkpoint['model']).float()


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
