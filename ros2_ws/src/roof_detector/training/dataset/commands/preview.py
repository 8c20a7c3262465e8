# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The preview command: it draws images with their labels on one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.dataset.preview import preview

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'preview', help='draw images with their labels on one sheet', description=__doc__
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('preview.jpg'),
        help='.jpg or .png; %(default)s by default',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace what stands there')
    parser.add_argument('--count', type=int, default=24, help='of images; %(default)s by default')
    parser.add_argument(
        '--columns', type=int, default=4, help='of the sheet; %(default)s by default'
    )
    parser.add_argument(
        '--width', type=int, default=480, help='of each image in pixels; %(default)s by default'
    )
    parser.add_argument('--split', help='train, val or test; all by default')
    parser.add_argument(
        '--seed', type=int, default=0, help='choose other images; %(default)s by default'
    )
    parser.add_argument('--labels', type=Path, help='label file of a single image')
    parser.add_argument('--no-names', action='store_true', help='boxes and outlines alone')
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Draw the sheet and print its path."""
    count = preview(
        arguments.path,
        arguments.output,
        count=arguments.count,
        columns=arguments.columns,
        tile_width_px=arguments.width,
        split=arguments.split,
        seed=arguments.seed,
        names=arguments.names,
        labels=arguments.labels,
        draw_names=not arguments.no_names,
        overwrite=arguments.overwrite,
    )
    print(f'{arguments.output}: {count} images')
    return 0
