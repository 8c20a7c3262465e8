# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Train a model: `roof_detector train config.yaml --output runs/name`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.alias import run_alias
from training.interruption import Interrupted
from training.train_config import TrainConfig, reference

if TYPE_CHECKING:
    import argparse


def train(config: TrainConfig, output: Path, *, resume: bool = False) -> Path:
    """Train, and return the path of the best checkpoint; `output` keeps everything else.

    Raises TrainingError if a run is impossible, Interrupted on SIGINT or SIGTERM.
    """
    os.environ.setdefault('YOLO_VERBOSE', 'true')  # progress bars, before ultralytics is imported
    from training.trainer.run import run  # noqa: PLC0415

    return run(config, output, resume=resume)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Train a model from a configuration file. Its data set is checked first, and a run that '
        'was stopped or killed goes on with --resume.'
    )
    parser.add_argument('config', type=Path, nargs='?', help='see configs/reference.yaml')
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('runs/train'),
        help='folder of the run; %(default)s by default',
    )
    parser.add_argument('--resume', action='store_true', help='go on with the run in --output')
    parser.add_argument('--data', help='data.yaml, instead of the one in the configuration')
    parser.add_argument('--weights', help='starting weights, instead of those configured')
    parser.add_argument('--epochs', type=int, help='instead of the configured number')
    parser.add_argument('--reference', action='store_true', help='print every option and end')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and return the exit code."""
    if arguments.reference:
        print(reference(), end='')  # noqa: T201
        return 0
    if arguments.config is None:
        print('Give a configuration; configs/reference.yaml shows every option.', file=sys.stderr)  # noqa: T201
        return 2
    chosen = {
        name: value
        for name in ('data', 'weights', 'epochs')
        if (value := getattr(arguments, name)) is not None
    }
    try:
        config = TrainConfig.read(arguments.config, **chosen)
        best = train(config, arguments.output, resume=arguments.resume)
    except Interrupted as interrupted:
        print(  # noqa: T201
            f'\nStopped in epoch {interrupted.epochs_done + 1}, which will be repeated; what came '
            f'before is kept. Resume with:\n  {_resuming(arguments, chosen)}',
            file=sys.stderr,
        )
        return interrupted.exit_code
    print(f'best checkpoint: {best}\nmodel card: {best.with_suffix(".md")}')  # noqa: T201
    return 0


def _resuming(arguments: argparse.Namespace, chosen: dict[str, str | int]) -> str:
    words = ['roof_detector', 'train', str(arguments.config), '--output', str(arguments.output)]
    for name, value in chosen.items():
        words += [f'--{name}', str(value)]
    return shlex.join([*words, '--resume'])


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.train`; return the exit code."""
    return run_alias('train', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
