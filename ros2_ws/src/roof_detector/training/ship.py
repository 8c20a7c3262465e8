# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make a shippable model of a checkpoint: `python -m training.ship best.pt --name my_model`.

What remains is the network in 16 bits, its class names and input size, and where it comes from;
the optimizer, the paths of the workstation and its user stay behind.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

import roof_detector.blocks  # noqa: F401 - its classes may be in the checkpoint
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS

MOST_BYTES = 12_000_000


def ship(checkpoint: Path, output: Path) -> int:
    """Write the shippable model and return its size in bytes.

    The checkpoint must be our own: it is loaded as a whole, which can run any code. Raises
    ValueError when the result is larger than what may be shipped.
    """
    ultralytics = import_quietly()
    whole = torch.load(checkpoint, map_location='cpu', weights_only=False)
    model = (whole.get('ema') or whole['model']).float().half().eval()
    for parameter in model.parameters():
        parameter.requires_grad = False
    arguments = whole['train_args']
    kept = {'imgsz': arguments['imgsz'], 'task': arguments['task']}
    model.args = dict(kept)
    for name in ('criterion', 'pt_path'):
        if hasattr(model, name):
            setattr(model, name, None)
    model.yaml = {**model.yaml, 'yaml_file': Path(model.yaml.get('yaml_file', '')).name}
    metrics = whole.get('train_metrics') or {}
    shipped: dict[str, Any] = {
        'epoch': -1,
        'model': model,
        'train_args': kept,
        'train_metrics': {name: float(value) for name, value in metrics.items()},
        'version': ultralytics.__version__,
        'license': 'AGPL-3.0-only',
        'roof_detector': {'config': _without_folders(whole.get('roof_detector', {}))},
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_suffix('.part')
    torch.save(shipped, fresh)
    size = fresh.stat().st_size
    if size > MOST_BYTES:
        fresh.unlink()
        msg = f'{output} would take {size} bytes, at most {MOST_BYTES} are shipped.'
        raise ValueError(msg)
    fresh.replace(output)
    return size


def _without_folders(notes: dict[str, Any]) -> dict[str, Any]:
    """Keep of each path its name: the folders are the workstation's own affair."""
    return {
        key: Path(value).name if isinstance(value, str) and '/' in value else value
        for key, value in notes.get('config', {}).items()
    }


def main() -> None:
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--name', required=True, help='name of the shipped model')
    arguments = parser.parse_args()
    output = SHIPPED_WEIGHTS / f'{arguments.name}.pt'
    size = ship(arguments.checkpoint, output)
    print(f'{output}: {size / 1e6:.1f} MB')  # noqa: T201


if __name__ == '__main__':
    main()
