# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The command `python -m training.dataset`."""

from __future__ import annotations

import argparse
import importlib
import sys

from training.dataset.error import DatasetError

# Each module offers `add_parser(subparsers)`, which sets `run(arguments) -> int`.
COMMANDS = ('check', 'convert', 'split', 'preview', 'stats')


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog='python -m training.dataset',
        description='Check, convert, split, show and count data sets for training.',
    )
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name in COMMANDS:
        module = importlib.import_module(f'training.dataset.commands.{name}')
        parsed = module.add_parser(subparsers)
        parsed.add_argument('path', help='a folder, a .zip, a data.yaml, a COCO .json or an image')
        parsed.add_argument(
            '--names',
            type=lambda text: tuple(name.strip() for name in text.split(',')),
            default=(),
            metavar='A,B',
            help='class names of a set that has none',
        )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 1 for faults, 2 for a wrong request."""
    parsed = make_parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except DatasetError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f'{error}; check the path, its rights and the free space.', file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
