# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Options that several commands share: thresholds, and what is exported."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.geo.ground import Ground
    from roof_detector.vision.thresholds import Thresholds

EXIT_CODES = """\
exit codes: 0 all was done; 1 nothing was done; 2 the command was not understood; 3 some inputs,
pictures or exports were lost, and all else was done; 130 interrupted"""


def add_threshold_options(parser: argparse.ArgumentParser) -> None:
    """Add what counts as found; what is not given has the node's defaults."""
    group = parser.add_argument_group('what counts as found')
    group.add_argument('--confidence', type=float, metavar='SCORE', help='least score')
    group.add_argument(
        '--iou', type=float, help='boxes of one class that overlap more are one thing'
    )
    group.add_argument('--max-detections', type=int, metavar='N', help='most in one frame')
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
    """Add the formats, and where the ground is."""
    group = parser.add_argument_group('files for people')
    group.add_argument(
        '--formats',
        nargs='*',
        metavar='FORMAT',
        help='of csv, xlsx, json (COCO), pictures, video, crops and geojson; without the option '
        'csv, xlsx, json and, where the flight recorded fix and pose, geojson',
    )
    ground = group.add_mutually_exclusive_group()
    ground.add_argument(
        '--ground-z',
        type=float,
        metavar='M',
        help='z of the roofs as the recorded pose counts it; 0, where it counts from, by default',
    )
    ground.add_argument(
        '--ground-altitude', type=float, metavar='M', help='of the roofs, as the fix counts it'
    )
    ground.add_argument(
        '--flight-height', type=float, metavar='M', help='above the roofs, the same all the way'
    )


def ground_of(arguments: argparse.Namespace) -> Ground:
    """Return the level on which things lie."""
    from roof_detector.geo.ground import Ground  # noqa: PLC0415

    if arguments.ground_altitude is not None:
        return Ground(altitude_m=arguments.ground_altitude)
    if arguments.flight_height is not None:
        return Ground(height_m=arguments.flight_height)
    return Ground(map_z_m=arguments.ground_z or 0.0)
