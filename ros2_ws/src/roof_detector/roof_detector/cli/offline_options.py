# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Options that several commands share: thresholds, and what is exported.

Help texts tell defaults in words, so that `--help` need not load what they belong to.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.offline.outcome import Outcome
    from roof_detector.vision.thresholds import Thresholds

EXIT_CODES = (
    'exit codes: 0 all was done; 1 nothing was done; 2 the command was not understood; 3 some '
    'inputs, pictures or exports were lost, and all else was done; 130 interrupted'
)


def add_threshold_options(parser: argparse.ArgumentParser) -> None:
    """Add what counts as found; what is not given has the node's defaults."""
    group = parser.add_argument_group('what counts as found')
    group.add_argument(
        '--confidence', type=float, metavar='SCORE', help='least score; 0.25 by default'
    )
    group.add_argument(
        '--iou',
        type=float,
        metavar='SHARE',
        help='boxes of one class that overlap more are one thing; 0.45 by default',
    )
    group.add_argument(
        '--max-detections', type=int, metavar='N', help='most in one frame; 300 by default'
    )
    group.add_argument(
        '--classes', nargs='+', default=(), metavar='NAME', help='only these; all by default'
    )
    group.add_argument(
        '--class-confidence',
        nargs='+',
        default=(),
        metavar='NAME:SCORE',
        help='least scores of single classes, such as crack:0.4',
    )


def thresholds_of(arguments: argparse.Namespace) -> Thresholds:
    """Return the thresholds asked for; raise VisionError for nonsense."""
    from roof_detector.vision.thresholds import (  # noqa: PLC0415
        Thresholds,
        parse_class_confidence,
    )

    given = {
        name: value
        for name in ('confidence', 'iou', 'max_detections')
        if (value := getattr(arguments, name)) is not None
    }
    return Thresholds(
        classes=tuple(arguments.classes),
        class_confidence=parse_class_confidence(arguments.class_confidence),
        **given,
    )


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the formats."""
    group = parser.add_argument_group('files for people')
    group.add_argument(
        '--formats',
        nargs='*',
        metavar='FORMAT',
        help='of csv, xlsx, json (COCO), pictures, video, crops and geojson; without the option '
        'csv, xlsx, json and, where the flight recorded fix and pose, geojson',
    )


def add_images_option(parser: argparse.ArgumentParser) -> None:
    """Add where pictures are that results do not hold."""
    parser.add_argument(
        '--images',
        type=Path,
        metavar='INPUT',
        help='the footage; by default the pictures of the bag, or those of where it lay',
    )


def add_progress_options(parser: argparse.ArgumentParser) -> None:
    """Add how progress is shown."""
    parser.add_argument(
        '--progress',
        choices=('bar', 'json', 'none'),
        default='bar',
        help='a bar on a terminal, the default; a line of JSON for each step and outcome on '
        'standard output; or nothing',
    )
    parser.add_argument(
        '--quiet', action='store_const', dest='progress', const='none', help='--progress none'
    )


def tell(outcome: Outcome, *, progress: str) -> None:
    """Print what became of an input; a failure goes to standard error unless a program asked."""
    if progress == 'json':
        from roof_detector.offline.progress import print_event  # noqa: PLC0415

        print_event('outcome', **outcome.as_event())
    else:
        stream = sys.stderr if outcome.failure else sys.stdout
        print('\n'.join(outcome.lines()), file=stream, flush=True)


def formats_of(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """Return the formats asked for, None for the usual ones; raise ReplayError for others."""
    from roof_detector.offline.exports import check_formats  # noqa: PLC0415

    if arguments.formats is None:
        return None
    check_formats(arguments.formats)
    return tuple(arguments.formats)
