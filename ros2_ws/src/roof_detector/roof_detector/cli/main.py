# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The entry point of the command line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from typing import NoReturn

from roof_detector import __version__
from roof_detector.inputs.plain_text import plain_lines

# Each module offers `add_parser(subparsers)`, which sets `run(arguments) -> int`. A module imports
# what its work needs only when it runs, so that `--help` is quick and needs no ROS.
COMMANDS = (
    'bag',
    'compare',
    'decide',
    'demo',
    'detect',
    'doctor',
    'export',
    'inspect',
    'models',
    'play',
    'rethreshold',
    'security',
    'station',
)

# If set to 1, an error is shown with its whole traceback.
_TRACEBACK = 'ROOF_DETECTOR_TRACEBACK'


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog='roof_detector', description='Detect roof anomalies in drone images.'
    )
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name in COMMANDS:
        importlib.import_module(f'roof_detector.cli.{name}').add_parser(subparsers)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run one subcommand and exit with its code."""
    run_to_exit(make_parser().parse_args(arguments))


def run_to_exit(parsed: argparse.Namespace) -> NoReturn:
    """Call `parsed.run(parsed)` and exit with its code; an error becomes one sentence."""
    try:
        code = parsed.run(parsed)
        sys.stdout.flush()
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        is_ours = isinstance(error, (RuntimeError, ValueError, OSError))
        is_ours = is_ours and not isinstance(error, RecursionError)
        print(plain_lines(str(error) if is_ours else _unforeseen(error)), file=sys.stderr)
        sys.exit(1)


def _unforeseen(error: Exception) -> str:
    """Return one line for an unexpected error."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f'{frames[-1].filename}:{frames[-1].lineno}' if frames else 'an unknown place'
    words = ' '.join(str(error).split())[:300]
    return (
        f'{type(error).__name__} at {where}: {words or "no reason given"}. An input may be '
        f'damaged; {_TRACEBACK}=1 shows the whole traceback, for a report.'
    )


if __name__ == '__main__':
    main()
