# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector drift`: data cards of flights, and alarms where camera or model change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.inspection_options import add_images_option, add_inspections, add_limits

if TYPE_CHECKING:
    import argparse

ALARM = 4
_LIMITS = {
    'sharpness': (0.75, 'share of the sharpness before, below which a camera is blurred'),
    'silence': (0.25, 'share of the detections before, below which a model is silent'),
    'flood': (4.0, 'times the detections before, above which they are too many'),
    'confidence': (0.15, 'fall of the mean confidence'),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'drift',
        help='say where image quality, class rates or confidence drift from flight to flight',
        description='Write a data card for each site, date and flight of inspections: sharpness, '
        'exposure and contrast of its images, detections in a frame by class, and their '
        'confidence. Alarms say where a camera went blurred or a model silent.',
        epilog='exit codes: 0 no alarm; 1 nothing was done; 2 the command is invalid; 3 no alarm, '
        'but some inspections or images could not be read; 4 alarms; 130 interrupted',
    )
    add_inspections(parser)
    parser.add_argument(
        '--output', type=Path, required=True, metavar='DIR', help='folder of the report'
    )
    parser.add_argument(
        '--samples',
        type=int,
        default=24,
        metavar='N',
        help='images of a flight whose quality is measured; %(default)s by default',
    )
    add_images_option(parser)
    add_limits(parser.add_argument_group('alarms'), _LIMITS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report, print it, and return the exit code."""
    from roof_detector.history.data_card_report import drift_report  # noqa: PLC0415
    from roof_detector.history.drift import DriftLimits  # noqa: PLC0415
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415

    limits = DriftLimits(**{name: getattr(arguments, name) for name in _LIMITS})
    make_output(arguments.output)
    report = drift_report(
        arguments.inspections, limits=limits, samples=arguments.samples, images=arguments.images
    )
    files = report.write(arguments.output)
    print('\n'.join([*report.lines(), f'See {files[0]}.']))
    if report.alarms:
        return ALARM
    return DONE_WITH_LOSSES if report.lost else ALL_DONE
