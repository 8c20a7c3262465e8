# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench device`: a detector on a CUDA device."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.commands.options import RESULTS, size_wh
from roof_detector.inference.options import PRECISIONS

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `device`."""
    parser = subparsers.add_parser(
        'device',
        help="time a detector on a CUDA device, beside ultralytics' own",
        description='Time Detector.detect on a CUDA device with and without CUDA graphs and '
        'YOLO.predict on the same file and frames, interleaved in one process; then the parts of '
        'it, batches of several images, and how its detections differ from those of the CPU.',
    )
    parser.add_argument(
        'models', nargs='*', default=['roof_anomalies'], help='roof_anomalies by default'
    )
    parser.add_argument('--device', default='cuda', help='cuda or cuda:N; cuda by default')
    parser.add_argument(
        '--precisions',
        nargs='+',
        choices=PRECISIONS,
        default=['f32', 'f16', 'bf16'],
        help='f32, f16 and bf16 by default',
    )
    parser.add_argument(
        '--batches',
        nargs='+',
        type=int,
        default=[1, 2, 4, 8],
        metavar='N',
        help='images at once; 1 2 4 8 by default',
    )
    parser.add_argument(
        '--frames', type=int, default=200, help='timed frames of each; 200 by default'
    )
    parser.add_argument(
        '--size', type=size_wh, default=(1280, 720), help='of the frames; 1280x720 by default'
    )
    output = RESULTS / 'device.json'
    parser.add_argument(
        '--output', type=Path, default=output, help=f'file for the result; {output} by default'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Time the detectors and write the result; what was timed is kept if a later one fails."""
    from benchmarks.bench.device_timing import time_on_device  # noqa: PLC0415
    from benchmarks.bench.machine import describe_run  # noqa: PLC0415
    from benchmarks.bench.result_file import write_result  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    described = describe_run(device=arguments.device)
    rows = []
    for model in arguments.models:
        for precision in arguments.precisions:
            row = time_on_device(
                resolve_model(model),
                device=arguments.device,
                precision=precision,
                batches=arguments.batches,
                size_wh=arguments.size,
                count=arguments.frames,
            )
            rows.append(row)
            write_result(arguments.output, 'device', described, {'rows': rows})
            print('  '.join(f'{key} {value}' for key, value in row.items()), flush=True)
    _log.info('The result is in %s.', arguments.output)
    return 0
