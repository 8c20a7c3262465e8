# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models replay`: what a model would change in the flights that were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.detect import add_model_options, open_detector
from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.inspection_options import add_images_option, add_inspections, add_limits

if TYPE_CHECKING:
    import argparse

GATE_NOT_PASSED = 4
_LIMITS = {
    'lost': (0.05, 'of the reported findings that nobody decided, those that are not reported'),
    'contradicted': (
        0.0,
        'of those that people confirmed or renamed, those that the model denies',
    ),
    'gained': (0.25, 'new findings beside all that were reported, for each of these'),
    'raised': (1.0, 'of those that people rejected, the ones that are reported again'),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'replay',
        help='run a model over recorded flights and say what would change, before it flies',
        description='Run --model over the recordings of inspections, with the thresholds that '
        'they were made with, make findings again and compare: findings gained and lost, '
        'decisions of people contradicted, rejected ones still raised. DIR gets replay.html, '
        'replay.json and the new inspections.',
        epilog='exit codes: 0 the gate is passed; 1 nothing was done; 2 the command is invalid; '
        '3 it is passed, but some inspections or flights were left out; 4 it is not passed; 130 '
        'interrupted',
    )
    add_inspections(parser)
    parser.add_argument(
        '--output',
        type=Path,
        required=True,
        metavar='DIR',
        help='folder of the report; an interrupted replay goes on there',
    )
    add_images_option(parser)
    parser.add_argument(
        '--area',
        type=Path,
        metavar='FILE',
        help='GeoJSON or KML that the inspections were made with',
    )
    parser.add_argument(
        '--progress',
        choices=('bar', 'json', 'none'),
        default='bar',
        help='a bar on a terminal, the default; lines of JSON; or nothing',
    )
    group = parser.add_argument_group('the gate')
    add_limits(group, _LIMITS, prefix='most-', metavar='SHARE')
    group.add_argument(
        '--least-findings',
        type=int,
        default=10,
        metavar='N',
        help='reported before; from fewer nothing follows; %(default)s by default',
    )
    add_model_options(parser)
    add_georeference_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay, write the report, and return the exit code."""
    from roof_detector.findings.inspection_area import InspectionArea  # noqa: PLC0415
    from roof_detector.history.errors import HistoryError  # noqa: PLC0415
    from roof_detector.history.model_replay import ModelReplaySettings  # noqa: PLC0415
    from roof_detector.history.replay_gate import ReplayLimits  # noqa: PLC0415
    from roof_detector.history.replay_over_history import replay_over_history  # noqa: PLC0415
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.georeferencing import GeoreferenceSettings  # noqa: PLC0415
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415

    limits = ReplayLimits(
        **{name: getattr(arguments, f'most_{name}') for name in _LIMITS},
        least_findings=arguments.least_findings,
    )
    given = georeferencing_of(arguments)
    settings = ModelReplaySettings(
        georeferencing=None if given == GeoreferenceSettings() else given,
        images=arguments.images,
        area=None if arguments.area is None else InspectionArea.read(arguments.area),
        progress=arguments.progress,
    )
    make_output(arguments.output)
    with open_detector(arguments) as detector:
        outcome = replay_over_history(
            detector, arguments.inspections, arguments.output, limits=limits, settings=settings
        )
    if not outcome.inspections:
        msg = f'No inspection could be replayed. {" ".join(outcome.lost)}'
        raise HistoryError(msg)
    files = outcome.write(arguments.output)
    if arguments.progress == 'json':
        from roof_detector.offline.progress import print_event  # noqa: PLC0415

        print_event('replay', **outcome.as_dict(), files=[str(path) for path in files])
    else:
        print('\n'.join([*outcome.lines(), f'See {files[0]}.']))
    if not outcome.passed:
        return GATE_NOT_PASSED
    return DONE_WITH_LOSSES if outcome.lost else ALL_DONE
