# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector inspect`: recordings become findings, every object once."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.detect import (
    add_model_options,
    add_tile_options,
    detect_and_print,
    open_detector,
    tiling_of,
)
from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.inspection_options import file_or_none
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_progress_options,
    add_threshold_options,
    thresholds_of,
)
from roof_detector.cli.report import add_appearance_options

if TYPE_CHECKING:
    import argparse

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.offline.inspection import InspectedResults
    from roof_detector.offline.outcome import InputOutcome
    from roof_detector.offline.reporting.written_report import WrittenReport
    from roof_detector.offline.settings import DetectSettings


ROOFS = 'roofs'
# What belongs to the model of the findings is not that of the roofs.
_ROOF_MODEL = {
    'model': ROOFS,
    'image_size': None,
    'backend': 'auto',
    'trust_model': False,
    'model_key': None,
    'int8': False,
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'inspect',
        help='find every object of recorded flights once, with its place, size and certainty',
        description='Detect in each input, tie the detections of all of them to objects, and '
        'write DIR/inspection.gpkg, findings.csv, findings.xlsx, findings.geojson and '
        'report.html. Run again over the same DIR, it uses the detections that are there and '
        'keeps the decisions.',
        epilog=EXIT_CODES,
    )
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='memory card, folder of photos, video, rosbag2 folder, .mcap, .db3, ROS 1 .bag, or '
        'the results of "roof_detector detect"',
    )
    parser.add_argument(
        '--output',
        type=Path,
        required=True,
        metavar='DIR',
        help='folder of the inspection; the detections of each input lie in DIR/detections',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='detect again; decisions are kept all the same'
    )
    parser.add_argument(
        '--area',
        metavar='FILE',
        help='GeoJSON or KML with the outline of what is inspected: findings outside are kept '
        f'apart; {ROOFS} takes the roofs that the shipped model of that name finds on the '
        'orthophotos, or on the mosaic of the frames; DIR/area.geojson by default, which people '
        'draw on the page of the review; none takes none',
    )
    parser.add_argument(
        '--detection-curves',
        type=Path,
        metavar='FILE',
        help='CSV with class, metres_per_pixel, detected, false_alarm: how probably the model '
        'finds an object; that of the shipped model by default',
    )
    parser.add_argument(
        '--no-report',
        action='store_true',
        help='write no report; "roof_detector report" can later',
    )
    parser.add_argument('--pdf', action='store_true', help='write report.pdf too')
    add_appearance_options(parser)
    add_progress_options(parser)
    add_model_options(parser)
    add_tile_options(parser)
    add_threshold_options(parser)
    add_georeference_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Detect, make the findings, and return the exit code."""
    from roof_detector.findings.detection_curves import DetectionCurves  # noqa: PLC0415
    from roof_detector.findings.inspection_path import STORE_NAME  # noqa: PLC0415
    from roof_detector.findings.inspection_store import InspectionStore  # noqa: PLC0415
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.inspection import inspect_results  # noqa: PLC0415
    from roof_detector.offline.outcome import exit_code  # noqa: PLC0415

    curves = None
    if arguments.detection_curves is not None:
        curves = DetectionCurves.read(arguments.detection_curves)
    _chosen_area(arguments)  # refused before hours of work
    make_output(arguments.output)
    if (arguments.output / STORE_NAME).exists():
        InspectionStore(arguments.output / STORE_NAME).close()  # refused before hours of work
    results, outcomes = _results(arguments)
    inspected = partial(
        inspect_results,
        results,
        arguments.output,
        georeferencing=georeferencing_of(arguments),
        curves=curves,
    )
    chosen = _chosen_area(arguments)  # people may have drawn one meanwhile
    if arguments.area == ROOFS:
        # The places of the frames come first: the mosaic on which roofs are found needs them.
        inspected()
        chosen = _roofs(arguments, results)
    found = inspected(area=chosen.area)
    found = replace(found, notes=(*chosen.notes, *found.notes))
    in_json = arguments.progress == 'json'
    if in_json:
        from roof_detector.offline.progress import print_event  # noqa: PLC0415

        print_event(
            'inspection',
            findings=found.counts(),
            confirmed=found.confirmed(),
            files=[str(path) for path in found.files],
            notes=list(found.notes),
        )
    else:
        print('\n'.join(found.lines()), flush=True)
    if not arguments.no_report:
        report = _report(arguments, chosen.file)
        if in_json:
            print_event('report', files=[str(path) for path in report.files])
        else:
            print('\n'.join(report.lines()), flush=True)
    return exit_code(outcomes)


@dataclass(frozen=True)
class _ChosenArea:
    """The area of the inspection, its file, and what to report of where it is from."""

    area: InspectionArea | None = None
    file: Path | None = None
    notes: tuple[str, ...] = ()


def _chosen_area(arguments: argparse.Namespace) -> _ChosenArea:
    """Read the area that is named, or drawn in the folder of the inspection."""
    from roof_detector.findings.inspection_area import InspectionArea  # noqa: PLC0415
    from roof_detector.findings.inspection_path import (  # noqa: PLC0415
        DRAWN_AREA,
        chosen_outlines,
    )

    if arguments.area == ROOFS:
        return _ChosenArea()
    named = None if arguments.area is None else file_or_none(arguments.area)
    file = chosen_outlines(named, arguments.output / DRAWN_AREA)
    if file is None:
        return _ChosenArea()
    note = f'The area is {file}, drawn for this inspection; --area none takes none.'
    return _ChosenArea(InspectionArea.read(file), file, (note,) if named is None else ())


def _roofs(arguments: argparse.Namespace, results: list[InspectedResults]) -> _ChosenArea:
    """Find the roofs of the inspection with the shipped model, on what runs the other one."""
    from roof_detector.offline.roof_area import AREA_NAME, search_roofs  # noqa: PLC0415

    with open_detector(Namespace(**{**vars(arguments), **_ROOF_MODEL})) as detector:
        found = search_roofs(
            results, arguments.output, detector=detector, progress=arguments.progress
        )
    file = None if found.area.polygons.is_empty else arguments.output / AREA_NAME
    return _ChosenArea(found.area, file, found.notes)


def _report(arguments: argparse.Namespace, area: Path | None) -> WrittenReport:
    """Write the report, which replaces that of an earlier run as the tables do."""
    from roof_detector.offline.reporting.report_settings import ReportSettings  # noqa: PLC0415
    from roof_detector.offline.reporting.written_report import write_report  # noqa: PLC0415

    names = ('language', 'severity', 'station', 'pdf')
    chosen = {name: getattr(arguments, name) for name in names}
    # Without a roof the report shows what was seen of all that was flown over.
    settings = ReportSettings(**chosen, area=area or 'none', overwrite=True)
    return write_report(arguments.output, settings)


def _results(
    arguments: argparse.Namespace,
) -> tuple[list[InspectedResults], list[InputOutcome]]:
    """Return the results that inputs are, and those of detecting in the others."""
    from roof_detector.offline.batch import names_of  # noqa: PLC0415
    from roof_detector.offline.inspection import InspectedResults, results_of  # noqa: PLC0415
    from roof_detector.offline.work_folder import RUN_FILE  # noqa: PLC0415

    ready = [text for text in arguments.inputs if (Path(text) / RUN_FILE).is_file()]
    results = [
        InspectedResults(Path(text), name)
        for text, name in zip(ready, names_of(ready), strict=True)
    ]
    others = [text for text in arguments.inputs if text not in ready]
    folder = arguments.output / 'detections'
    outcomes = []
    if others:
        outcomes = detect_and_print(
            arguments,
            others,
            output=folder,
            settings=_settings(arguments),
            resume=not arguments.overwrite,
            interrupted='Interrupted. The same command continues here.',
        )
    return [*results, *results_of(outcomes, folder)], outcomes


def _settings(arguments: argparse.Namespace) -> DetectSettings:
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415

    # The tables of single detections are what `detect` is for.
    output = OutputSettings(formats=(), georeferencing=georeferencing_of(arguments))
    return DetectSettings(thresholds_of(arguments), output, tiling_of(arguments))
