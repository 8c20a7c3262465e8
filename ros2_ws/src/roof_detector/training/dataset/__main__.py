# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The command `roof_detector dataset`, and `python -m training.dataset`."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from training.alias import run_alias
from training.dataset.error import DatasetError

if TYPE_CHECKING:
    import argparse

# Each module offers `add_parser(subparsers)`, which sets `run(arguments) -> int`.
COMMANDS = ('check', 'convert', 'split', 'preview', 'stats')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    parser.description = 'Check, convert, split, show and count data sets for training.'
    subparsers = parser.add_subparsers(dest='action', metavar='COMMAND', required=True)
    for name in COMMANDS:
        module = importlib.import_module(f'training.dataset.commands.{name}')
        parsed = module.add_parser(subparsers)
        parsed.add_argument('path', help='a folder, a .zip, a data.yaml, a label file or an image')
        parsed.add_argument(
            '--names',
            type=lambda text: tuple(name.strip() for name in text.split(',')),
            default=(),
            metavar='A,B',
            help='class names of a set that has none',
        )
        parsed.set_defaults(run=_run, part=module.run)


def _run(arguments: argparse.Namespace) -> int:
    """Run one subcommand and return its exit code: 1 for faults, 2 for a wrong request."""
    try:
        return int(arguments.part(arguments))
    except DatasetError as error:
        print(error, file=sys.stderr)  # noqa: T201
    except OSError as error:
        print(f'{error}; check the path, its rights and the free space.', file=sys.stderr)  # noqa: T201
    return 2


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.dataset`; return the exit code."""
    return run_alias('dataset', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
