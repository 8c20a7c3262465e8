# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Benchmarks on this machine: `python -m benchmarks.bench PART`."""

from __future__ import annotations

import argparse
import logging
import sys

from benchmarks.bench.commands import detect, device, graph, models, report, scan, soak
from roof_detector.cli.exit_code import exit_code_of


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all benchmarks."""
    parser = argparse.ArgumentParser(prog='python -m benchmarks.bench', description=__doc__)
    parts = parser.add_subparsers(dest='part', metavar='PART', required=True)
    for part in (detect, device, graph, soak, report, scan, models):
        part.add_parser(parts)
    return parser


if __name__ == '__main__':
    # Progress goes to stderr: stdout is for results.
    logging.basicConfig(format='bench: %(message)s', stream=sys.stderr)
    logging.getLogger('benchmarks').setLevel(logging.INFO)
    sys.exit(exit_code_of(make_parser().parse_args()))
