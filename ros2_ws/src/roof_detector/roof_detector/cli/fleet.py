# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector fleet`: many flights on many workers, and questions on what they found."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.cli.detect import add_model_options, add_tile_options, tiling_of
from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_progress_options,
    add_threshold_options,
    print_outcome,
    thresholds_of,
)

if TYPE_CHECKING:
    import argparse

    from roof_detector.fleet.answers import Answer
    from roof_detector.fleet.fleet_job import FleetJob


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its subcommands."""
    parser = subparsers.add_parser(
        'fleet',
        help='inspect all flights of a catalog on many workers, and ask what they found',
        description='Inspect every flight of a catalog on the workers of this computer or of a '
        'Ray cluster, keep what they found in one store, and ask questions on it.',
    )
    commands = parser.add_subparsers(dest='fleet_command', metavar='COMMAND', required=True)
    _add_run(commands)
    _add_query(commands)


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        'run',
        help='inspect the flights that the store does not have yet',
        description='Inspect every flight of CATALOG as "roof_detector inspect" does, cut into '
        'pieces for many workers, and bring the tables of STORE up to date. Run again, it goes '
        'on where it was stopped, and does only what is new or changed.',
        epilog=EXIT_CODES,
    )
    run.add_argument(
        'catalog',
        metavar='CATALOG',
        help='folder, address such as s3://bucket/flights, or .json file with the flights',
    )
    run.add_argument(
        '--output',
        required=True,
        metavar='STORE',
        help='folder or address of the store; it is made where there is none',
    )
    _add_cluster_options(run)
    add_progress_options(run)
    add_model_options(run)
    add_tile_options(run)
    add_threshold_options(run)
    run.add_argument(
        '--detection-curves',
        type=Path,
        metavar='FILE',
        help='CSV with class, metres_per_pixel, detected, false_alarm: how probably the model '
        'finds an object; that of the shipped model by default',
    )
    add_georeference_options(run)
    run.set_defaults(run=run_fleet)


def _add_cluster_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('the workers')
    group.add_argument(
        '--address',
        metavar='HOST:PORT',
        help='a Ray cluster that runs, or auto; by default Ray starts on this computer, where '
        'nothing listens beyond it',
    )
    group.add_argument(
        '--workers',
        type=int,
        metavar='N',
        help='how many work at once; as many as there are CPUs by default',
    )
    group.add_argument(
        '--cpus-per-worker',
        type=int,
        default=1,
        metavar='N',
        help='CPUs of each, and its threads; %(default)s by default',
    )
    group.add_argument(
        '--gpus-per-worker',
        type=float,
        default=0.0,
        metavar='N',
        help='GPUs of each, such as 1 or 0.5; none by default',
    )
    group.add_argument(
        '--piece-frames',
        type=int,
        metavar='N',
        help='frames, photos or tiles of one task; 300 by default',
    )
    group.add_argument(
        '--scratch',
        type=Path,
        metavar='DIR',
        help="folder of each computer for copies of an object store's files; in the system's "
        'temporary folder by default',
    )


def _add_query(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    query = commands.add_parser(
        'query',
        help='ask a question on a store',
        description='Answer a prepared question in its own words, such as "cracks grown by 20 %% '
        'since spring", or a SELECT of your own. The store is only read.',
    )
    query.add_argument(
        'question', nargs='?', metavar='QUESTION', help='the words or the name of a question'
    )
    query.add_argument(
        '--store',
        default='.',
        metavar='STORE',
        help='folder or address of the store; the current folder by default',
    )
    query.add_argument(
        '--set',
        nargs='+',
        default=(),
        metavar='NAME=VALUE',
        dest='values',
        help='values of the question, in place of those in its words',
    )
    query.add_argument(
        '--sql', metavar='SELECT', help='a SELECT of your own over the tables of the store'
    )
    query.add_argument(
        '--list', action='store_true', help='list the prepared questions with their values'
    )
    query.add_argument(
        '--format',
        choices=('table', 'csv', 'json'),
        default='table',
        help='how the answer is printed; %(default)s by default',
    )
    query.set_defaults(run=run_query)


def run_fleet(arguments: argparse.Namespace) -> int:
    """Inspect the flights of a catalog and return the exit code."""
    from roof_detector.fleet.catalog import read_catalog  # noqa: PLC0415
    from roof_detector.fleet.cluster import ClusterChoice, RayCluster  # noqa: PLC0415
    from roof_detector.fleet.fleet_progress import FleetProgress  # noqa: PLC0415
    from roof_detector.fleet.fleet_run import FleetRun, failed_in_catalog  # noqa: PLC0415
    from roof_detector.offline.outcome import exit_code  # noqa: PLC0415

    flights = read_catalog(arguments.catalog)
    choice = ClusterChoice(
        address=arguments.address,
        workers=arguments.workers,
        cpus=arguments.cpus_per_worker,
        gpus=arguments.gpus_per_worker,
    )
    job = _job(arguments)
    outcomes = failed_in_catalog(flights)
    for outcome in outcomes:
        print_outcome(outcome, progress=arguments.progress)
    with RayCluster(choice) as cluster:
        run = FleetRun(
            job,
            [one for one in flights if not one.failure],
            cluster=cluster,
            progress=FleetProgress(arguments.progress),
        )
        try:
            for outcome in run.outcomes():
                outcomes.append(outcome)
                print_outcome(outcome, progress=arguments.progress)
            published = run.publish()
        except KeyboardInterrupt:
            print('Interrupted. The same command continues here.', file=sys.stderr)
            raise
        finally:
            run.close()
    if arguments.progress == 'json':
        from roof_detector.offline.progress import print_event  # noqa: PLC0415

        print_event('published', flights=published.flights, sites=published.sites)
    else:
        done = sum(not one.failure for one in outcomes)
        print(
            f'{done} of {len(outcomes)} flights are in {arguments.output}; '
            f'{len(published.flights)} are new or changed, at {len(published.sites)} sites.'
        )
    return exit_code(outcomes)


def _job(arguments: argparse.Namespace) -> FleetJob:
    import tempfile  # noqa: PLC0415

    from roof_detector.fleet.fleet_job import PIECE_FRAMES, FleetJob, ModelChoice  # noqa: PLC0415
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415

    store = arguments.output
    model = arguments.model
    return FleetJob(
        store=store if '://' in store else str(Path(store).absolute()),
        model=ModelChoice(
            model=str(Path(model).absolute()) if Path(model).exists() else model,
            device=arguments.device,
            backend=arguments.backend,
            image_size=arguments.image_size,
            trust_model=arguments.trust_model,
            model_key=arguments.model_key,
            threads=arguments.threads or arguments.cpus_per_worker,
            calibrate=not arguments.raw_confidence,
            int8=arguments.int8,
        ),
        settings=DetectSettings(
            thresholds_of(arguments),
            OutputSettings(formats=(), georeferencing=georeferencing_of(arguments)),
            tiling_of(arguments),
        ),
        scratch=(
            arguments.scratch or Path(tempfile.gettempdir(), 'roof_detector_fleet')
        ).absolute(),
        piece_frames=PIECE_FRAMES if arguments.piece_frames is None else arguments.piece_frames,
        curves=arguments.detection_curves and arguments.detection_curves.absolute(),
    )


def run_query(arguments: argparse.Namespace) -> int:
    """Answer a question on a store and return 0."""
    from roof_detector.fleet.answers import answer  # noqa: PLC0415
    from roof_detector.fleet.errors import FleetError  # noqa: PLC0415
    from roof_detector.fleet.fleet_store import FleetStore  # noqa: PLC0415
    from roof_detector.fleet.question import asked  # noqa: PLC0415

    if arguments.list:
        print('\n'.join(_questions()))
        return 0
    if (arguments.question is None) == (arguments.sql is None):
        msg = 'Give either a QUESTION or --sql SELECT; --list lists the questions.'
        raise FleetError(msg)
    store = FleetStore.open(arguments.store)
    if arguments.sql is not None:
        found = answer(store, arguments.sql)
    else:
        question, values = asked(arguments.question)
        for text in arguments.values:
            name, equals, value = text.partition('=')
            if not equals:
                msg = f'--set got {text!r}, expected NAME=VALUE.'
                raise FleetError(msg)
            values[name] = value
        today = datetime.now(timezone.utc).date()
        found = answer(store, question.sql, question.values(values, today))
    _print_answer(found, arguments.format)
    return 0


def _questions() -> list[str]:
    from roof_detector.fleet.question import questions  # noqa: PLC0415

    lines = []
    for one in questions():
        lines += [f'{one.name}: "{one.asks}"', f'    {one.description}']
        for parameter in one.parameters:
            default = '' if parameter.default is None else f'; {parameter.default} by default'
            lines.append(f'    {parameter.name} ({parameter.kind}): {parameter.help}{default}')
    return lines


def _print_answer(found: Answer, kind: str) -> None:
    if kind == 'json':
        print(found.as_json())
        return
    texts = [['' if value is None else str(value) for value in row] for row in found.rows]
    if kind == 'csv':
        import csv  # noqa: PLC0415

        writer = csv.writer(sys.stdout)
        writer.writerows([found.columns, *texts])
        return
    table: list[Any] = [list(found.columns), *texts]
    widths = [max(len(row[k]) for row in table) for k in range(len(found.columns))]
    for row in table:
        print(
            '  '.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
    print(f'{len(texts)} rows.' if texts else 'Nothing.')
