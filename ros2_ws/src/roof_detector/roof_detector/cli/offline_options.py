# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Options that several commands share: thresholds, exports and progress.

Help texts state the defaults in words, so that `--help` loads none of the modules behind them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from roof_detector.offline.outcome import InputOutcome
    from roof_detector.vision.thresholds import Thresholds

EXIT_CODES = (
    'exit codes: 0 everything was done; 1 nothing was done; 2 the command is invalid; 3 some '
    'inputs, images or exports were lost, and the rest was done; 130 interrupted'
)


def add_threshold_options(parser: argparse.ArgumentParser) -> None:
    """Add the thresholds; the defaults are those of the node."""
    group = parser.add_argument_group('thresholds')
    group.add_argument(
        '--confidence',
        type=float,
        metavar='CONFIDENCE',
        help='minimum confidence; 0.25 by default',
    )
    group.add_argument(
        '--iou',
        type=float,
        metavar='IOU',
        help='IoU threshold of non-maximum suppression (NMS); 0.45 by default',
    )
    group.add_argument(
        '--max-detections', type=int, metavar='N', help='maximum in one frame; 300 by default'
    )
    group.add_argument(
        '--classes',
        nargs='+',
        default=(),
        metavar='NAME',
        help='classes to detect; all by default',
    )
    group.add_argument(
        '--class-confidence',
        nargs='+',
        default=(),
        metavar='NAME:CONFIDENCE',
        help='minimum confidence of single classes, such as crack:0.4',
    )


def thresholds_of(arguments: argparse.Namespace) -> Thresholds:
    """Return the thresholds of the options; raise VisionError for invalid values."""
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
    group = parser.add_argument_group('exports')
    group.add_argument(
        '--formats',
        nargs='*',
        metavar='FORMAT',
        help='formats to export, with spaces or commas between: csv, xlsx, json (COCO), images, '
        'video, crops, for maps geojson, kml, kmz and gpkg, and cog of orthophotos; csv, xlsx, '
        'json and, where positions are known, geojson by default',
    )


def add_images_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for images that are not in the bag of the results."""
    parser.add_argument(
        '--images',
        type=Path,
        metavar='INPUT',
        help='input with the images; by default those of the bag, or of the original input',
    )


def add_progress_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for progress."""
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


def print_outcome(outcome: InputOutcome, *, progress: str) -> None:
    """Print the outcome of an input: to standard error if it failed, or as JSON."""
    if progress == 'json':
        from roof_detector.offline.progress import print_event  # noqa: PLC0415

        print_event('outcome', **outcome.as_event())
    else:
        stream = sys.stderr if outcome.failure else sys.stdout
        print('\n'.join(outcome.lines()), file=stream, flush=True)


def formats_of(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """Return the formats of the options, None for the default ones, or raise ReplayError."""
    from roof_detector.offline.exports import check_formats  # noqa: PLC0415

    if arguments.formats is None:
        return None
    formats = [name for word in arguments.formats for name in word.split(',') if name]
    check_formats(formats)
    return tuple(dict.fromkeys(formats))
