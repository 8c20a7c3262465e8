# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The select command: it chooses frames of inspections and writes them with pre-labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.cli.inspection_options import add_images_option, add_inspections
from roof_detector.cli.offline_options import EXIT_CODES

if TYPE_CHECKING:
    import argparse

_WEIGHTS = {
    'uncertain': 'a confidence or an existence near one half',
    'disagreeing': 'sightings that contradict those of other frames',
    'rejected': 'what people rejected',
    'new_place': 'places that no chosen frame shows',
    'diverse': "images unlike the chosen ones, by the model's own features",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'select',
        help='choose frames worth a label and write them with pre-labels',
        description='Choose at most N frames of each flight: uncertain ones, those whose '
        'sightings contradict other frames, those that show what people rejected, new places, '
        'and images unlike the others. The same inspections, model and options choose the same '
        'frames. DIR gets images/, selection.json and pre-labels in each format.',
        epilog=EXIT_CODES,
    )
    add_inspections(parser)
    parser.add_argument('--output', type=Path, required=True, metavar='DIR', help='the new folder')
    parser.add_argument(
        '--per-flight',
        type=int,
        default=20,
        metavar='N',
        help='most frames of a flight; %(default)s by default',
    )
    parser.add_argument(
        '--formats',
        nargs='+',
        default=['coco', 'cvat', 'fiftyone', 'label_studio', 'yolo'],
        metavar='FORMAT',
        help='coco, cvat, fiftyone, label_studio, yolo; all by default',
    )
    parser.add_argument(
        '--model',
        default='roof_anomalies',
        help='whose features tell images apart: a model package, checkpoint or shipped model; '
        '%(default)s by default',
    )
    parser.add_argument(
        '--no-features',
        action='store_true',
        help='tell images apart by their places alone, which runs no network',
    )
    parser.add_argument(
        '--earlier',
        nargs='+',
        type=Path,
        default=[],
        metavar='DIR',
        help='earlier selections, whose frames are not chosen again',
    )
    add_images_option(parser)
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier selection')
    group = parser.add_argument_group('weights of the reasons')
    for name, meaning in _WEIGHTS.items():
        default = 0.5 if name in ('new_place', 'diverse') else 1.0
        group.add_argument(
            f'--{name.replace("_", "-")}',
            type=float,
            default=default,
            metavar='WEIGHT',
            help=f'{meaning}; %(default)s by default',
        )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Choose frames, write them, and return the exit code."""
    from roof_detector.history.frame_selection import SelectionSettings  # noqa: PLC0415
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from training.learning.frame_export import ExportSettings, export_frames  # noqa: PLC0415

    settings = ExportSettings(
        formats=tuple(dict.fromkeys(arguments.formats)),
        selection=SelectionSettings(
            per_flight=arguments.per_flight,
            **{name: getattr(arguments, name) for name in _WEIGHTS},
        ),
        images=arguments.images,
        earlier=tuple(arguments.earlier),
        overwrite=arguments.overwrite,
    )
    features = None
    if not arguments.no_features:
        from training.learning.frame_features import FrameFeatures  # noqa: PLC0415

        features = FrameFeatures(arguments.model)
    outcome = export_frames(arguments.inspections, arguments.output, settings, features=features)
    print('\n'.join(outcome.lines()))
    return DONE_WITH_LOSSES if outcome.lost else ALL_DONE
