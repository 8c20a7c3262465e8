# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector report`: the report of an inspection, to hand over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.inspection_options import add_images_option, file_or_none

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'report',
        help='write the report of an inspection as one HTML file and as PDF',
        description='Write INSPECTION/report.html, one file with all in it: coverage, plan, '
        'a card for each finding with its severity, tables, method and limits. Decisions and '
        'notes are in it; the inspection itself is only read.',
    )
    parser.add_argument(
        'inspection', type=Path, metavar='INSPECTION', help='folder or .gpkg of an inspection'
    )
    parser.add_argument(
        '--pdf', action='store_true', help='write report.pdf too, with CSV and GeoPackage attached'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier report')
    parser.add_argument(
        '--output', type=Path, metavar='DIR', help='folder for the report; INSPECTION by default'
    )
    parser.add_argument(
        '--details',
        type=Path,
        metavar='FILE',
        help='roof, customer, people and remarks; INSPECTION/report.yaml by default, which is '
        'made for you to fill in',
    )
    parser.add_argument(
        '--previous', type=Path, metavar='OLD', help='earlier inspection to compare with'
    )
    parser.add_argument(
        '--plan',
        type=Path,
        metavar='FILE',
        help='georeferenced orthophoto or floor plan; by default the mosaic of the flight',
    )
    parser.add_argument(
        '--zones',
        type=file_or_none,
        metavar='FILE',
        help='GeoJSON with a named polygon for each zone; INSPECTION/zones.geojson by default, '
        'where people draw them on the page of the review; none takes none',
    )
    parser.add_argument(
        '--area',
        type=file_or_none,
        metavar='FILE',
        help='GeoJSON or KML with the outline that coverage is counted in where there are no '
        'zones; INSPECTION/area.geojson by default, or all that the flights enclose; none takes '
        'none',
    )
    add_images_option(parser)
    add_appearance_options(parser)
    parser.set_defaults(run=run)


def add_appearance_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `inspect` has for its report too."""
    parser.add_argument(
        '--language',
        choices=('en', 'zh'),
        default='',
        help="language of the report; the station file's, or English by default",
    )
    parser.add_argument(
        '--severity',
        type=Path,
        metavar='FILE',
        help='YAML with the rules of severity, a changed copy of config/severity.yaml',
    )
    parser.add_argument(
        '--station',
        type=Path,
        metavar='FILE',
        help='station.yaml with your title, logo and accent colour',
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the report and return 0."""
    from roof_detector.offline.reporting.report_settings import ReportSettings  # noqa: PLC0415
    from roof_detector.offline.reporting.written_report import write_report  # noqa: PLC0415

    names = ('language', 'pdf', 'overwrite', 'output', 'details', 'severity', 'zones')
    more = ('plan', 'area', 'previous', 'station', 'images')
    settings = ReportSettings(**{name: getattr(arguments, name) for name in (*names, *more)})
    print('\n'.join(write_report(arguments.inspection, settings).lines()))
    return 0
