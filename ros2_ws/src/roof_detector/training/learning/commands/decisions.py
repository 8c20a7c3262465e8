# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The decisions command: what reviewers decided becomes a training set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.cli.inspection_options import add_images_option, add_inspections
from roof_detector.cli.offline_options import EXIT_CODES

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'decisions',
        help='make a training set of what reviewers decided',
        description='Write frames of inspections that show what people confirmed, rejected, '
        'renamed or merged, with these as labels. A frame counts only if everything that it shows '
        'is decided or sure.',
        epilog=EXIT_CODES,
    )
    add_inspections(parser)
    parser.add_argument(
        '--output', type=Path, required=True, metavar='SET', help='folder of the new set'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace what stands there')
    parser.add_argument(
        '--per-finding',
        type=int,
        default=3,
        metavar='N',
        help='most frames of a decided finding; %(default)s by default',
    )
    add_images_option(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the set and return the exit code."""
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from training.learning.decided_labels import write_decided  # noqa: PLC0415

    outcome = write_decided(
        arguments.inspections,
        arguments.output,
        per_finding=arguments.per_finding,
        images=arguments.images,
        overwrite=arguments.overwrite,
    )
    print('\n'.join(outcome.lines()))
    return DONE_WITH_LOSSES if outcome.lost else ALL_DONE
