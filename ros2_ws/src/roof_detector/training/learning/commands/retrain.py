# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The retrain command: it trains with corrections, compares, and promotes or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.cli.inspection_options import add_limits

if TYPE_CHECKING:
    import argparse

NOT_PROMOTED = 4
_LIMITS = {
    'least_gain': (0.0, 'of mAP50'),
    'most_lost': (0.02, 'how far below zero the 95 %% interval of the gain may reach'),
    'most_class_lost': (0.05, 'of the AP50 of any class'),
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'retrain',
        help='train again with corrections, compare, and promote the model or not',
        description='Train on the data of a configuration, the fixed set, together with sets of '
        'corrections; measure the model that flies and the new one on the same test images; and '
        'write a model package if the new one reaches the limits. DIR gets record.json, the run, '
        'the evaluation and the package. An interrupted run goes on.',
        epilog='exit codes: 0 promoted; 1 nothing was done; 2 the command is invalid; 3 promoted, '
        'but some sets could not be learned from; 4 not promoted; 130 interrupted',
    )
    parser.add_argument('config', type=Path, metavar='CONFIG', help='as of "roof_detector train"')
    parser.add_argument(
        '--labels',
        nargs='+',
        type=Path,
        required=True,
        metavar='SET',
        help='sets of "learn labels" and "learn decisions", or of any format',
    )
    parser.add_argument('--output', type=Path, required=True, metavar='DIR', help='the new folder')
    parser.add_argument(
        '--against',
        default='roof_anomalies',
        metavar='MODEL',
        help='the model that flies; %(default)s by default',
    )
    parser.add_argument(
        '--test',
        type=Path,
        metavar='DATA',
        help='labelled images that no model was trained on; the test split of the fixed set by '
        'default',
    )
    parser.add_argument(
        '--name', default='retrained', help='of the package; %(default)s by default'
    )
    parser.add_argument('--device', default='auto', help='of the comparison; auto by default')
    parser.add_argument(
        '--backend', default='auto', help='that runs both in the comparison; auto by default'
    )
    add_limits(parser, _LIMITS)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Retrain and return the exit code."""
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from training.interruption import Interrupted  # noqa: PLC0415
    from training.learning.promotion import PromotionLimits  # noqa: PLC0415
    from training.learning.retraining import RetrainSettings, retrain  # noqa: PLC0415
    from training.train_config import TrainConfig  # noqa: PLC0415

    settings = RetrainSettings(
        against=arguments.against,
        name=arguments.name,
        test=arguments.test,
        limits=PromotionLimits(**{name: getattr(arguments, name) for name in _LIMITS}),
        device=arguments.device,
        backend=arguments.backend,
    )
    config = TrainConfig.read(arguments.config)
    try:
        outcome = retrain(config, arguments.labels, arguments.output, settings)
    except Interrupted as interrupted:
        print('Interrupted. The same command goes on from here.')
        return interrupted.exit_code
    print('\n'.join(outcome.lines()))
    if outcome.package is None:
        return NOT_PROMOTED
    return DONE_WITH_LOSSES if outcome.combined.lost else ALL_DONE
