# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench graph`, `plenty` and `baseline`: the whole graph over DDS."""

from __future__ import annotations

import logging
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench.commands.options import add_common, end_in_order, network_of, size_wh
from roof_detector.inference.device_name import available_cores
from roof_detector.ros.common.image_topic_name import IMAGE_TRANSPORTS

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from benchmarks.bench.contender import Contender
    from benchmarks.bench.graph_stand import Load

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands `graph`, `plenty` and `baseline`."""
    for part, pace in (('graph', 'one frame after another'), ('plenty', 'more than it can do')):
        graph = subparsers.add_parser(
            part,
            help=f'measure publisher, detector and listener over DDS, {pace}',
            description='Publish frames from a process of their own to the detector and measure '
            f'the time until its detections are received: {pace}.',
        )
        _add_options(graph, part)
        _add_listeners(graph)
        graph.set_defaults(run=run_graph, part=part)
    baseline = subparsers.add_parser(
        'baseline',
        help='measure the detector and a simple node, interleaved',
        description='Measure, interleaved and on the same frames, the detector and the node that '
        'most people write: cv_bridge, YOLO.predict and publish in one callback.',
    )
    _add_options(baseline, 'baseline')
    baseline.add_argument(
        '--baseline',
        type=Path,
        default=Path('benchmarks/baseline_node.py'),
        help='the script of that node; benchmarks/baseline_node.py by default',
    )
    baseline.add_argument(
        '--baseline-model',
        default='roof_anomalies',
        help='its model; roof_anomalies by default',
    )
    cores = available_cores()
    baseline.add_argument(
        '--baseline-threads',
        nargs='+',
        type=int,
        default=[0, cores],
        metavar='N',
        help=f'threads of that node, one node for each number; 0 leaves them to ultralytics, '
        f'0 {cores} by default here',
    )
    baseline.set_defaults(run=run_baseline, part='baseline')


def run_graph(arguments: argparse.Namespace) -> int:
    """Measure all requested combinations and write the results."""
    rates_hz = dict.fromkeys(rate_hz or 0.0 for rate_hz in arguments.annotated)
    nodes = {
        of: [_ours(arguments, *of, cameras=cameras) for cameras in arguments.cameras]
        for of in product(arguments.transports, rates_hz)
    }
    return _run(arguments, lambda load: nodes[load.transport, load.annotated_rate_hz])


def run_baseline(arguments: argparse.Namespace) -> int:
    """Measure both nodes interleaved and write the results."""
    with tempfile.TemporaryDirectory(prefix='roof_detector_') as folder:
        return _run_baseline(arguments, Path(folder))


def _run_baseline(arguments: argparse.Namespace, folder: Path) -> int:
    from benchmarks.bench.baseline_checkpoint import baseline_checkpoint  # noqa: PLC0415
    from benchmarks.bench.contender import baseline_node  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    arguments.annotated, arguments.recorder, arguments.inspector = [None], ['off'], ['off']
    arguments.cameras = [1]
    model = str(baseline_checkpoint(resolve_model(arguments.baseline_model), folder=folder))
    nodes = {
        transport: (
            _ours(arguments, transport),
            *(
                baseline_node(
                    f'baseline_{threads}_threads_{transport}'
                    if threads
                    else f'baseline_{transport}',
                    model=model,
                    transport=transport,
                    threads=threads,
                    script=arguments.baseline,
                )
                for threads in arguments.baseline_threads
            ),
        )
        for transport in arguments.transports
    }
    return _run(arguments, lambda load: nodes[load.transport], baseline_model=Path(model).name)


def _ours(
    arguments: argparse.Namespace,
    transport: str,
    annotated_rate_hz: float = 0.0,
    *,
    cameras: int = 1,
) -> Contender:
    from benchmarks.bench.contender import our_node  # noqa: PLC0415

    name = f'ours_{transport}'
    if annotated_rate_hz:
        name += f'_{annotated_rate_hz:g}_hz'.replace('.', '_')
    if cameras > 1:
        name += f'_{cameras}_cameras'
    return our_node(
        name,
        transport=transport,
        annotated_rate_hz=annotated_rate_hz,
        cameras=cameras,
        **network_of(arguments),
    )


def _run(arguments: argparse.Namespace, contenders: Any, **facts: str) -> int:
    """Measure, and write the rows with a description of the run."""
    from benchmarks.bench.graph import BareForward, measure_interleaved, plentiful  # noqa: PLC0415
    from benchmarks.bench.graph_stand import GraphStand  # noqa: PLC0415
    from benchmarks.bench.machine import describe_run  # noqa: PLC0415
    from benchmarks.bench.result_file import write_result  # noqa: PLC0415

    end_in_order()
    described = describe_run()
    loads = list(_loads(arguments))
    with BareForward(**network_of(arguments)) as bare:
        if arguments.part == 'plenty':
            forward_ms = {
                size: bare.measure(size, seconds=arguments.seconds / 2)['p50']
                for size in arguments.sizes
            }
            loads = [plentiful(load, forward_ms[load.size_wh]) for load in loads]
        with GraphStand() as stand:
            rows = measure_interleaved(
                stand,
                [(contender, load) for load in loads for contender in contenders(load)],
                bare=bare,
                rounds=arguments.rounds,
                seconds=arguments.seconds,
            )
        measured = {**bare.describe(), **facts, 'rows': rows}
    write_result(arguments.output, arguments.part, described, measured)
    print(table(rows))
    _log.info('The result is in %s.', arguments.output)
    return 0


def _loads(arguments: argparse.Namespace) -> Iterator[Load]:
    from benchmarks.bench.graph_stand import Load  # noqa: PLC0415

    for size, transport, annotated, recorder, inspector, busy in product(
        arguments.sizes,
        arguments.transports,
        arguments.annotated,
        arguments.recorder,
        arguments.inspector,
        arguments.busy,
    ):
        yield Load(
            size_wh=size,
            transport=transport,
            annotated=annotated is not None,
            annotated_rate_hz=annotated or 0.0,
            recorder=recorder == 'on',
            inspector=inspector == 'on',
            # What it costs to publish it is no cost of the inspector.
            telemetry='on' in arguments.inspector,
            busy=busy,
        )


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table of the rows."""
    head = (
        *('node', 'frames', 'results/s', 'age p50 ms', 'p95', 'p99', 'bare forward ms'),
        *('over it ms', 'CPU ms a result', 'MB'),
    )
    lines = [f'| {" | ".join(head)} |', f'| --- | --- |{" ---: |" * (len(head) - 2)}']
    for row in rows:
        also = ''.join(f', {name}' for name in ('annotated', 'recorder', 'inspector') if row[name])
        also += f', {row["busy"]} busy' if row['busy'] else ''
        cells = (
            row['contender'],
            f'{row["size"]} {row["transport"]}, {row["pace"]}{also}',
            f'{row["results_per_s"]:.1f}',
            *(f'{row["age_ms"][key]:.1f}' for key in ('p50', 'p95', 'p99')),
            f'{row["bare_forward_ms"]["p50"]:.1f}',
            f'{row["overhead_ms"]:.1f}',
            f'{row["cpu_ms_per_result"]:.0f}',
            f'{row["memory_mb"]:.0f}',
        )
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def _add_options(parser: argparse.ArgumentParser, part: str) -> None:
    add_common(parser, part)
    parser.add_argument(
        '--sizes',
        nargs='+',
        type=size_wh,
        default=list(SIZES),
        metavar='WxH',
        help='of the frames; 640x480 to 3840x2160 by default',
    )
    parser.add_argument(
        '--transports',
        nargs='+',
        choices=IMAGE_TRANSPORTS,
        default=['raw', 'compressed'],
        help='how frames are sent; both by default',
    )
    parser.add_argument(
        '--seconds', type=float, default=5.0, help='of each measurement; 5 by default'
    )
    parser.add_argument(
        '--rounds', type=int, default=2, help='rounds of all measurements; 2 by default'
    )
    parser.add_argument(
        '--busy',
        nargs='+',
        type=int,
        default=[0],
        metavar='N',
        help='how many other processes compute meanwhile; 0 by default',
    )


def _annotated(text: str) -> float | None:
    """Parse the rate of subscribed annotated images; 0 for all of them, None for none."""
    return {'off': None, 'on': 0.0}[text] if text in ('off', 'on') else float(text)


def _add_listeners(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--annotated',
        nargs='+',
        type=_annotated,
        default=[None],
        metavar='off|on|HZ',
        help='whether someone watches annotated images, and how many a second the node offers '
        'where that is not one of each frame; off by default',
    )
    parser.add_argument(
        '--recorder',
        nargs='+',
        choices=('off', 'on'),
        default=['off'],
        help='whether detections and JPEGs are recorded meanwhile; off by default',
    )
    parser.add_argument(
        '--inspector',
        nargs='+',
        choices=('off', 'on'),
        default=['off'],
        help='whether tracks, findings and coverage are made of the detections; off by default',
    )
    parser.add_argument(
        '--cameras',
        nargs='+',
        type=int,
        default=[1],
        metavar='N',
        help='how many cameras share the node, one node for each number; 1 by default',
    )
