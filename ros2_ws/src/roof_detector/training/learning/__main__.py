# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The command `roof_detector learn`, and `python -m training.learning`."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from training.alias import run_alias

if TYPE_CHECKING:
    import argparse

# Each module offers `add_parser(subparsers)`, which sets `run(arguments) -> int`.
COMMANDS = ('select', 'labels', 'decisions', 'retrain')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    parser.description = (
        'Choose frames of inspections that are worth a label, take the labels back, and train '
        'again with them and with what reviewers decided.'
    )
    subparsers = parser.add_subparsers(dest='action', metavar='COMMAND', required=True)
    for name in COMMANDS:
        module = importlib.import_module(f'training.learning.commands.{name}')
        module.add_parser(subparsers).set_defaults(run=module.run)


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.learning`; return the exit code."""
    return run_alias('learning', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
