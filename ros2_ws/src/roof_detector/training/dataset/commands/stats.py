# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The stats command: it counts what a set holds, split by split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from training.dataset.statistics import statistics

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'stats', help='count images, classes, sizes, shapes and places', description=__doc__
    )
    parser.add_argument('--json', action='store_true', help='print JSON, not a table')
    parser.add_argument(
        '--image-size',
        type=int,
        default=640,
        help='longer side at training; %(default)s by default',
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Count and print."""
    counted = statistics(arguments.path, image_size=arguments.image_size, names=arguments.names)
    print(json.dumps(counted.as_dict(), indent=2) if arguments.json else counted)
    return 0
