# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""Split a set so that neighbours are never in both training and validation.

`auto` keeps together: copies of one image, images that look the same (also rotated or mirrored),
frames of one video by their names, images of one place by GPS and of one flight by time. `video`,
`gps`, `time` and `look` use that one besides likeness. `order` cuts long videos in time, `x` tiled
orthophotos from west to east; images that touch a cut are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.dataset.splitting import WAYS, SplitOptions, split_dataset

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'split', help='split by place, flight, video or likeness; folds', description=__doc__
    )
    parser.add_argument('--output', type=Path, required=True, help='the new folder')
    parser.add_argument('--overwrite', action='store_true', help='replace what stands there')
    parser.add_argument(
        '--by', choices=WAYS, default=SplitOptions.by, help='%(default)s by default'
    )
    parser.add_argument(
        '--val',
        type=float,
        default=SplitOptions.val,
        help='share that validates; %(default)s by default',
    )
    parser.add_argument(
        '--test', type=float, default=SplitOptions.test, help='share held back; 0 by default'
    )
    parser.add_argument(
        '--folds',
        type=int,
        default=SplitOptions.folds,
        help='k for a tiny set, which writes data_0.yaml and so on; none by default',
    )
    parser.add_argument(
        '--seed', type=int, default=SplitOptions.seed, help='draw another split; 0 by default'
    )
    parser.add_argument(
        '--place-gap-m',
        type=float,
        default=SplitOptions.place_gap_m,
        help='between two places; %(default)s by default',
    )
    parser.add_argument(
        '--flight-gap-s',
        type=float,
        default=SplitOptions.flight_gap_s,
        help='between two flights; %(default)s by default',
    )
    parser.add_argument(
        '--guard-frames',
        type=int,
        default=SplitOptions.guard_frames,
        help='left out before a cut; %(default)s by default',
    )
    parser.add_argument('--skip-faulty', action='store_true', help='leave images with faults out')
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Split the set and print the class balance."""
    balance = split_dataset(
        arguments.path,
        arguments.output,
        SplitOptions(
            val=arguments.val,
            test=arguments.test,
            folds=arguments.folds,
            by=arguments.by,
            seed=arguments.seed,
            place_gap_m=arguments.place_gap_m,
            flight_gap_s=arguments.flight_gap_s,
            guard_frames=arguments.guard_frames,
            names=arguments.names,
            skip_faulty=arguments.skip_faulty,
            overwrite=arguments.overwrite,
        ),
    )
    print(balance)
    return 0
