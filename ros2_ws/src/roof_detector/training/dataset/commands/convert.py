# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The convert command: it writes a set as YOLO, with mapped classes or cut into tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inference.options import TASKS
from training.dataset.class_map import ClassMap
from training.dataset.conversion import Conversion, convert
from training.dataset.tiling import DatasetTiling

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'convert', help='write as YOLO; rename classes; cut tiles', description=__doc__
    )
    parser.add_argument('--output', type=Path, required=True, help='the new folder')
    parser.add_argument('--overwrite', action='store_true', help='replace what stands there')
    parser.add_argument('--labels', type=Path, help='label file of a single image')
    parser.add_argument('--task', choices=TASKS, help='as the set is by default')
    parser.add_argument(
        '--map',
        action='append',
        default=[],
        metavar='OLD=NEW',
        help='rename a class, or merge it with another; may be given again',
    )
    parser.add_argument(
        '--drop', action='append', default=[], metavar='NAME', help='leave a class out'
    )
    parser.add_argument(
        '--order',
        type=lambda text: text.split(','),
        default=[],
        metavar='A,B,C',
        help='number the classes in this order, such as that of another model',
    )
    parser.add_argument('--tile', type=int, metavar='PX', help='cut larger images into tiles')
    parser.add_argument(
        '--overlap',
        type=float,
        default=DatasetTiling.overlap,
        help='of neighbouring tiles, a share; %(default)s by default',
    )
    parser.add_argument(
        '--least-visible',
        type=float,
        default=DatasetTiling.least_visible,
        help='share of a cut object that a tile must show to label it; %(default)s by default',
    )
    parser.add_argument(
        '--val-from-x',
        type=float,
        metavar='SHARE',
        help='tiles west of this share of the width train, those east of it validate',
    )
    parser.add_argument('--drop-empty-tiles', action='store_true', help='tiles without a label')
    parser.add_argument('--skip-faulty', action='store_true', help='leave images with faults out')
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Convert and say what was written."""
    tiling = None
    if arguments.tile is not None:
        tiling = DatasetTiling(arguments.tile, arguments.overlap, arguments.least_visible)
    outcome = convert(
        arguments.path,
        arguments.output,
        Conversion(
            names=arguments.names,
            labels=arguments.labels,
            classes=ClassMap.parse(arguments.map, drop=arguments.drop, order=arguments.order),
            task=arguments.task,
            tiling=tiling,
            val_from_x=arguments.val_from_x,
            keep_empty=not arguments.drop_empty_tiles,
            skip_faulty=arguments.skip_faulty,
            overwrite=arguments.overwrite,
        ),
    )
    parts = ', '.join(f'{count} in {split}' for split, count in outcome.images.items())
    left = f'; {outcome.left_out} left out for faults' if outcome.left_out else ''
    print(f'{outcome.output}: images {parts}{left}')
    return 0
