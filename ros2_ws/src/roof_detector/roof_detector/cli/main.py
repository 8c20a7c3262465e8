# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The entry point of the command line."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import NoReturn

from roof_detector import __version__
from roof_detector.cli.exit_code import exit_code_of
from roof_detector.inference.missing_extra import not_installed

# Each module of cli/ offers `add_parser(subparsers)`, which sets `run(arguments) -> int`. A module
# imports what its work needs only when it runs, so that `--help` is quick and needs no ROS.
COMMANDS = (
    'bag',
    'changes',
    'compare',
    'decide',
    'demo',
    'detect',
    'doctor',
    'drift',
    'export',
    'fleet',
    'inspect',
    'models',
    'play',
    'report',
    'rethreshold',
    'security',
    'station',
)
# Commands of the package `training`, which is above this one: found by name, and imported only
# for the one that is asked for. Each module offers `add_options(parser)`, which sets `run` too.
TRAINING_COMMANDS = {
    'dataset': ('training.dataset.__main__', 'check, convert, split, show and count data sets'),
    'simulate': ('training.simulate', 'render a labelled training set'),
    'train': ('training.train', 'train a model from a configuration file'),
    'evaluate': ('training.evaluate', 'measure models on labelled images'),
    'learn': ('training.learning.__main__', 'choose frames to label, take labels back, retrain'),
    'quantize': ('training.quantize', 'make an INT8 model, if it loses little'),
    'ship': ('training.ship', 'make a model package of a trained checkpoint'),
}


def make_parser(
    *, training: tuple[str, ...] = tuple(TRAINING_COMMANDS)
) -> argparse.ArgumentParser:
    """Return the parser of all subcommands; those of training have options where named."""
    parser = argparse.ArgumentParser(
        prog='roof_detector', description='Detect roof anomalies in drone images.'
    )
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name in COMMANDS:
        importlib.import_module(f'roof_detector.cli.{name}').add_parser(subparsers)
    for name, (module, help_text) in TRAINING_COMMANDS.items():
        command = subparsers.add_parser(name, help=help_text)
        if name in training:
            importlib.import_module(module).add_options(command)
    return parser


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one subcommand and exit with its code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        parser = make_parser(training=tuple(words[:1]))
    except ModuleNotFoundError as error:
        sys.exit(not_installed(error))
    sys.exit(exit_code_of(parser.parse_args(words)))


if __name__ == '__main__':
    main()
