# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The labels command: it takes labels back from a tool and writes them as a set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.cli.offline_options import EXIT_CODES

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'labels',
        help='take the labels of a selection back from a labelling tool',
        description='Read what a tool exported, in any format that "dataset" reads, match it to '
        'the frames of a selection, and write a YOLO set. Labels of frames that the selection '
        'does not have, and damaged ones, are named; the rest is done.',
        epilog=EXIT_CODES,
    )
    parser.add_argument('selection', type=Path, metavar='DIR', help='folder of "learn select"')
    parser.add_argument(
        'labels', nargs='+', type=Path, metavar='LABELS', help='label file, folder or .zip'
    )
    parser.add_argument(
        '--output', type=Path, required=True, metavar='SET', help='folder of the new set'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace what stands there')
    parser.add_argument(
        '--names',
        type=lambda text: tuple(name.strip() for name in text.split(',')),
        default=(),
        metavar='A,B',
        help='class names of labels without any; those of the selection by default',
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Take the labels back and return the exit code."""
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from training.learning.errors import LearningError  # noqa: PLC0415
    from training.learning.label_changes import label_changes  # noqa: PLC0415
    from training.learning.label_set import write_label_set  # noqa: PLC0415
    from training.learning.returned_labels import take_back  # noqa: PLC0415
    from training.learning.selection_folder import IMAGES, read_selection  # noqa: PLC0415

    selection = read_selection(arguments.selection)
    found = take_back(arguments.selection, selection, arguments.labels, names=arguments.names)
    if not found.frames:
        raise LearningError(' '.join(found.lost))
    frames = [
        found.frames[one.labelled.name]
        for one in selection.frames
        if one.labelled.name in found.frames
    ]
    changed = label_changes(selection, found.frames)
    outcome = write_label_set(
        arguments.output,
        frames,
        selection.names,
        arguments.selection / IMAGES,
        record={
            'selection': arguments.selection.resolve().name,
            'sources': [path.name for path in arguments.labels],
            'changes': changed.as_dict(),
            'lost': found.lost,
        },
        overwrite=arguments.overwrite,
    )
    print('\n'.join([outcome.line(), changed.line(), *found.lost]))
    return DONE_WITH_LOSSES if found.lost else ALL_DONE
