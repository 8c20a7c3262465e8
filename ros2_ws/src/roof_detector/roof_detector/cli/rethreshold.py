# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector rethreshold`: applies other thresholds to results, without inference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_export_options,
    add_images_option,
    add_progress_options,
    add_threshold_options,
    formats_of,
    print_outcome,
    thresholds_of,
)

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'rethreshold',
        help='apply other thresholds to results, without inference',
        description='Make exactly the results that "roof_detector detect" would have made with '
        'these thresholds, from the candidates that it kept with --keep-candidates.',
        epilog=EXIT_CODES,
    )
    parser.add_argument('bag', type=Path, help='results of detect: their folder or the bag in it')
    parser.add_argument(
        '--output', type=Path, required=True, metavar='DIR', help='folder of the new results'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace results that exist')
    add_progress_options(parser)
    add_images_option(parser)
    add_threshold_options(parser)
    add_export_options(parser)
    add_georeference_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Apply the thresholds and return the exit code."""
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.outcome import exit_code  # noqa: PLC0415
    from roof_detector.offline.rethresholding import Rethresholding  # noqa: PLC0415
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415

    settings = DetectSettings(
        thresholds_of(arguments),
        OutputSettings(formats=formats_of(arguments), georeferencing=georeferencing_of(arguments)),
    )
    bag, output = arguments.bag.absolute(), arguments.output.absolute()
    rethresholding = Rethresholding(bag, output, settings=settings, images=arguments.images)
    make_output(output.parent)
    outcome = rethresholding.run(overwrite=arguments.overwrite, progress=arguments.progress)
    print_outcome(outcome, progress=arguments.progress)
    return exit_code([outcome])
