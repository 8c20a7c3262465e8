# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench models`: the model zoo compared with stock YOLO11."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from roof_detector.inference.device_name import available_cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.research.model_cost import ModelCost, ModelName

METHOD = """\
Parameters are those of the network as it trains, for 80 classes. GFLOPs are counted below torch's
functions, where every elementary operation passes, on the fused network and one image: 2 for a
multiply-accumulate of a convolution or matrix product, 8 for a bilinear sample, 1 for an
elementwise operation, a scan as executed. Milliseconds are medians of the bare network in float32,
one image at a time, all models and backends interleaved in one run."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `models`."""
    parser = subparsers.add_parser(
        'models',
        help='list the models: parameters, operations, speed',
        description='Print a Markdown table of the custom models beside stock YOLO11.\n\n'
        + METHOD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--variants', nargs='+', metavar='NAME', help='all by default')
    parser.add_argument(
        '--tasks',
        nargs='+',
        choices=('detect', 'segment'),
        default=['detect', 'segment'],
        help='both by default',
    )
    parser.add_argument(
        '--scales', nargs='+', choices=list('nsmlx'), default=['n'], help='n by default'
    )
    parser.add_argument(
        '--backends',
        nargs='*',
        choices=('torch', 'onnx', 'openvino'),
        default=['torch', 'onnx', 'openvino'],
        help='all by default; name none to count only',
    )
    parser.add_argument(
        '--image-size',
        type=int,
        default=640,
        metavar='PIXELS',
        help='side of the image; %(default)s by default',
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=10,
        metavar='N',
        help='timed images of each model; %(default)s by default',
    )
    parser.add_argument(
        '--threads',
        type=int,
        default=available_cores(),
        metavar='N',
        help='of the CPU; all cores by default',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the results."""
    from training.research.model_cost import (  # noqa: PLC0415
        ModelName,
        model_cost,
        time_models,
        variants,
    )

    logging.getLogger('ultralytics').setLevel(logging.WARNING)
    known = variants()
    chosen = arguments.variants or known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        msg = f'No model is called {", ".join(unknown)}; there are {", ".join(known)}.'
        raise ValueError(msg)
    names = [
        ModelName(variant=variant, task=task, scale=scale)
        for scale in arguments.scales
        for task in arguments.tasks
        for variant in chosen
    ]
    costs = [model_cost(name, image_size=arguments.image_size) for name in names]
    times = time_models(
        names,
        backends=arguments.backends,
        image_size=arguments.image_size,
        repeats=arguments.repeats,
        threads=arguments.threads,
    )
    print(f'{METHOD}\n')
    print(', '.join(_machine(arguments)) + '.\n')
    print(table(costs, times, backends=arguments.backends))
    return 0


def table(
    costs: Sequence[ModelCost],
    times: Mapping[tuple[ModelName, str], float],
    *,
    backends: Sequence[str],
) -> str:
    """Return a Markdown table with one row per model."""
    head = ['model', 'task', 'scale', 'parameters (M)', 'GFLOPs']
    head += [f'{backend} (ms)' for backend in backends]
    rows = [
        [
            cost.name.variant,
            cost.name.task,
            cost.name.scale,
            f'{cost.parameters / 1e6:.3f}',
            f'{cost.flops.total / 1e9:.2f}',
            *(f'{times[cost.name, backend]:.1f}' for backend in backends),
        ]
        for cost in costs
    ]
    rule = ['---'] * 3 + ['---:'] * (len(head) - 3)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (head, rule, *rows))


def _machine(arguments: argparse.Namespace) -> list[str]:
    from importlib.metadata import version  # noqa: PLC0415

    from training.machine import describe_machine  # noqa: PLC0415

    described = describe_machine('cpu')
    packages = ('ultralytics', 'onnxruntime', 'openvino')
    return [
        f'{described["device"]}',
        f'{arguments.threads} threads',
        f'{arguments.image_size}x{arguments.image_size} pixels',
        f'torch {described["torch"]}',
        *(f'{name} {version(name)}' for name in packages),
    ]
