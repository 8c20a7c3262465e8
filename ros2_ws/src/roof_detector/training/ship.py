# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make a shippable model of a checkpoint: `python -m training.ship best.pt --name my_model`.

What remains is the network in 16 bits, its class names and input size, and the record of the run
that made it; the optimizer, the folders of the workstation and its user stay behind.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path, PurePath
from typing import Any

from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS
from roof_detector.vision.letterbox import fits_stride
from training.errors import TrainingError
from training.model_card import model_card
from training.trainer.checkpoint import RECORD, make_checkpoint, trained_network
from training.trainer.mask_removal import without_masks
from training.trainer.run_state import write_checkpoint

MOST_BYTES = 12_000_000


def ship(
    checkpoint: Path,
    output: Path,
    *,
    detect_only: bool = False,
    image_size: int | None = None,
) -> int:
    """Write the shippable model, and its card where there is none yet; return its size in bytes.

    `detect_only` drops the masks of a segmentation model; its boxes stay the same. `image_size`
    is the side in pixels that it flies with where no other is asked for, None that of its
    training. Raises TrainingError when that is no multiple of the stride, or the result larger
    than what may be shipped.
    """
    whole = load_checkpoint(checkpoint)
    model = trained_network(whole)
    if detect_only:
        model = without_masks(model)
    arguments = whole['train_args']
    stride = int(max(model.stride))
    if image_size is not None and not fits_stride((image_size, image_size), stride):
        raise TrainingError(
            f'image_size is {image_size}, expected a positive multiple of the stride {stride}.'
        )
    task = 'detect' if detect_only else arguments['task']
    record = _without_folders(whole.get(RECORD, {}))
    if detect_only:
        record = {**record, 'task': task, 'masks': 'dropped'}
    model.yaml = _without_folders(model.yaml)
    shipped = make_checkpoint(
        model,
        arguments={'imgsz': image_size or arguments['imgsz'], 'task': task},
        metrics=whole.get('train_metrics') or {},
        record=record,
    )
    write_checkpoint(shipped, output, most_bytes=MOST_BYTES)
    card = output.with_suffix('.md')
    if 'class_names' in record and not card.exists():
        card.write_text(model_card(record, name=output.stem))
    return output.stat().st_size


def _without_folders(value: Any) -> Any:
    """Keep of each path its name: the folders are the workstation's own affair."""
    if isinstance(value, dict):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_folders(one) for one in value)
    return PurePath(value).name if isinstance(value, str) and '/' in value else value


def main(argv: list[str] | None = None) -> int:
    """Read the command line and write the model; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--name', required=True, help='name of the shipped model')
    parser.add_argument('--detect-only', action='store_true', help='drop the masks')
    parser.add_argument(
        '--image-size',
        type=int,
        metavar='PIXELS',
        help='side that it flies with, by default that of its training',
    )
    parser.add_argument('--folder', type=Path, default=SHIPPED_WEIGHTS, help='where to write it')
    arguments = parser.parse_args(argv)
    output = arguments.folder / f'{arguments.name}.pt'
    try:
        size = ship(
            arguments.checkpoint,
            output,
            detect_only=arguments.detect_only,
            image_size=arguments.image_size,
        )
    except (TrainingError, RuntimeError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f'{output}: {size / 1e6:.1f} MB')  # noqa: T201
    return 0


if __name__ == '__main__':
    sys.exit(main())
