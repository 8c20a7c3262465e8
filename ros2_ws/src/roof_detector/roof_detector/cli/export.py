# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector export`: results as files for people."""

from __future__ import annotations

import argparse
from pathlib import Path

from roof_detector.cli.georeference_options import add_place_options, places_of
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_export_options,
    add_images_option,
    add_progress_options,
    formats_of,
    tell,
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'export',
        help='write tables, pictures, video or places from results',
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
    add_place_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export and return the exit code."""
    from roof_detector.offline.exporting import export_results, usual_formats  # noqa: PLC0415
    from roof_detector.offline.outcome import Outcome, exit_code  # noqa: PLC0415

    bag = arguments.bag.absolute()
    formats = formats_of(arguments)
    if formats is None:
        formats = usual_formats(bag)
    tally = export_results(
        bag,
        arguments.output,
        formats,
        places=places_of(arguments),
        images=arguments.images,
        overwrite=arguments.overwrite,
        progress=arguments.progress,
    )
    outcome = Outcome.of(tally, source=str(arguments.bag), output=arguments.output)
    tell(outcome, progress=arguments.progress)
    return exit_code([outcome])
