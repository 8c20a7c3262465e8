# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Train a model: `python -m training.train config.yaml --output runs/name`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from training.config_reference import reference
from training.errors import TrainingError
from training.interruption import Interrupted
from training.train_config import TrainConfig


def train(config: TrainConfig, output: Path, *, resume: bool = False) -> Path:
    """Train, and return the path of the best checkpoint; `output` keeps everything else.

    Raises TrainingError if a run is impossible, Interrupted on SIGINT or SIGTERM.
    """
    os.environ.setdefault('YOLO_VERBOSE', 'true')  # progress bars, before ultralytics is imported
    from training.trainer.run import run  # noqa: PLC0415

    return run(config, output, resume=resume)


def main(argv: list[str] | None = None) -> int:
    """Train from a configuration file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', type=Path, nargs='?', help='see configs/reference.yaml')
    parser.add_argument(
        '--output', type=Path, default=Path('runs/train'), help='folder of the run'
    )
    parser.add_argument('--resume', action='store_true', help='go on with the run in --output')
    parser.add_argument('--data', help='data.yaml, instead of the one in the configuration')
    parser.add_argument('--weights', help='starting weights, instead of those configured')
    parser.add_argument('--epochs', type=int, help='instead of the configured number')
    parser.add_argument('--reference', action='store_true', help='print every option and end')
    arguments = parser.parse_args(argv)
    if arguments.reference:
        print(reference(), end='')  # noqa: T201
        return 0
    if arguments.config is None:
        parser.error('give a configuration; configs/reference.yaml shows every option')
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
            f'before is kept. Resume with:\n  {_resuming(argv)}',
            file=sys.stderr,
        )
        return interrupted.exit_code
    except (TrainingError, RuntimeError) as error:
        print(f'{error}', file=sys.stderr)  # noqa: T201
        return 1
    print(f'best checkpoint: {best}\nmodel card: {best.with_suffix(".md")}')  # noqa: T201
    return 0


def _resuming(argv: list[str] | None) -> str:
    words = sys.argv[1:] if argv is None else argv
    more = [] if '--resume' in words else ['--resume']
    return shlex.join(['python', '-m', 'training.train', *words, *more])


if __name__ == '__main__':
    sys.exit(main())
