# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make a model package of a trained checkpoint: `roof_detector ship best.pt --name mine`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.alias import run_alias

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Make a model package of a checkpoint that was trained here: the network in FP16, its '
        'classes and input size, and the record of its training, with a card for people to '
        'complete. The optimizer and names of folders are left out.'
    )
    parser.add_argument('checkpoint', type=Path, help='best.pt of a run')
    parser.add_argument('--name', required=True, help='name of the shipped model')
    parser.add_argument('--detect-only', action='store_true', help='drop the masks')
    parser.add_argument(
        '--image-size',
        type=int,
        metavar='PIXELS',
        help='side that it flies with; that of its training by default',
    )
    parser.add_argument(
        '--folder',
        type=Path,
        help='where to write it; among the shipped models by default',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the model and print its size."""
    from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS  # noqa: PLC0415
    from training.shipping import ship  # noqa: PLC0415

    output = (arguments.folder or SHIPPED_WEIGHTS) / f'{arguments.name}.zip'
    size = ship(
        arguments.checkpoint,
        output,
        detect_only=arguments.detect_only,
        image_size=arguments.image_size,
    )
    print(f'{output}: {size / 1e6:.1f} MB')  # noqa: T201
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.ship`; return the exit code."""
    return run_alias('ship', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
