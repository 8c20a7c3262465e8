# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench forward` and `detect`: times of networks and detectors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from benchmarks.bench.commands.options import add_computation, size_wh

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands `forward` and `detect`."""
    forward = subparsers.add_parser(
        'forward',
        help='time the bare network of model files, interleaved',
        description='Time the bare forward pass of model files, each with its backend, '
        'interleaved.',
    )
    _add_options(forward, 'forward')
    forward.set_defaults(run=run_forward)
    detect = subparsers.add_parser(
        'detect',
        help="time a detection by stage, beside ultralytics' own",
        description='Time Detector.detect by stage and YOLO.predict on the same file and frames, '
        'interleaved in one process. On CPUs with AMX or AVX-512 BF16 ultralytics computes '
        'OpenVINO in BF16: use --precision bf16 to compare equal arithmetic.',
    )
    _add_options(detect, 'detect')
    detect.set_defaults(run=run_detect)


def run_forward(arguments: argparse.Namespace) -> int:
    """Time the networks and write the result."""
    from benchmarks.bench.detection import time_forward  # noqa: PLC0415

    return _run(
        arguments,
        'forward',
        lambda models, size, options: time_forward(models, size_wh=size, **options),
    )


def run_detect(arguments: argparse.Namespace) -> int:
    """Time detections and write the result."""
    from benchmarks.bench.detection import time_detect  # noqa: PLC0415

    return _run(
        arguments,
        'detect',
        lambda models, size, options: [
            time_detect(model, size_wh=size, **options) for model in models
        ],
    )


def _run(
    arguments: argparse.Namespace, part: str, measure: Callable[..., list[dict[str, Any]]]
) -> int:
    from benchmarks.bench.machine import describe_run  # noqa: PLC0415
    from benchmarks.bench.result_file import write_result  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    described = describe_run()
    models = [resolve_model(text) for text in arguments.models]
    options = {
        'count': arguments.frames,
        'precision': arguments.precision,
        'threads': arguments.threads,
    }
    rows = [row for size in arguments.sizes for row in measure(models, size, options)]
    write_result(arguments.output, part, described, {'rows': rows})
    for row in rows:
        print('  '.join(f'{key} {value}' for key, value in row.items()))
    _log.info('The result is in %s.', arguments.output)
    return 0


def _add_options(parser: argparse.ArgumentParser, part: str) -> None:
    parser.add_argument(
        'models',
        nargs='*',
        default=['roof_anomalies'],
        help='shipped models, model packages, .pt, .onnx or OpenVINO folders; roof_anomalies by '
        'default',
    )
    parser.add_argument(
        '--frames', type=int, default=60, help='timed frames of each; 60 by default'
    )
    parser.add_argument(
        '--sizes',
        nargs='+',
        type=size_wh,
        default=[(1280, 720)],
        metavar='WxH',
        help='of the frames; 1280x720 by default',
    )
    add_computation(parser, part)
