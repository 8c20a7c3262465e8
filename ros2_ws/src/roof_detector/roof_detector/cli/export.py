# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector export`: exports results to tables, images, video or maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_export_options,
    add_images_option,
    add_progress_options,
    formats_of,
    print_outcome,
)

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'export',
        help='export results to tables, images, video or maps',
        description='Export any bag that holds detections: of "roof_detector detect", or of the '
        'recorder in flight.',
        epilog=EXIT_CODES,
    )
    parser.add_argument('bag', type=Path, help='bag with detections, or a folder of results')
    parser.add_argument(
        '--output', type=Path, required=True, metavar='DIR', help='folder for the files'
    )
    add_images_option(parser)
    parser.add_argument('--overwrite', action='store_true', help='replace files that exist')
    add_progress_options(parser)
    add_export_options(parser)
    add_georeference_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export and return the exit code."""
    from roof_detector.offline.exporting import default_formats, export_results  # noqa: PLC0415
    from roof_detector.offline.outcome import InputOutcome, exit_code  # noqa: PLC0415

    bag = arguments.bag.absolute()
    formats = formats_of(arguments)
    if formats is None:
        formats = default_formats(bag)
    tally = export_results(
        bag,
        arguments.output,
        formats,
        georeferencing=georeferencing_of(arguments),
        images=arguments.images,
        overwrite=arguments.overwrite,
        progress=arguments.progress,
    )
    outcome = InputOutcome.of(tally, source=str(arguments.bag), output=arguments.output)
    print_outcome(outcome, progress=arguments.progress)
    return exit_code([outcome])
