# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models prepare`: builds, checks and times exports for this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.trust_option import add_trust_option
from roof_detector.inference.options import CACHED_BACKENDS, PRECISIONS

if TYPE_CHECKING:
    import argparse

    from roof_detector.inference.export.preparation import PreparedBackend


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'prepare',
        help='build, check and time exports for this machine, so that the fastest can be deployed',
        description='Build what the cache of exports lacks for a model on this machine, check it '
        'against the checkpoint on frames and time all of them interleaved, alone and beside a '
        'busy process. A detector with backend auto then uses the one that costs least latency '
        'and CPU time; nothing is built at take-off.',
    )
    parser.add_argument('model', help='model package, checkpoint (.pt) or name of a shipped model')
    parser.add_argument(
        '--backend',
        nargs='+',
        choices=CACHED_BACKENDS,
        help='all that this machine has by default',
    )
    parser.add_argument(
        '--image-size',
        type=int,
        metavar='PIXELS',
        help="side of the network's input at which it is checked and timed; the model's own by "
        'default',
    )
    parser.add_argument(
        '--device', default='auto', help='auto, cpu, cuda or cuda:N; auto by default'
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='auto',
        help='that the detector will be started with; auto (f16 on CUDA, f32 elsewhere) by '
        'default. Exports for bf16 are checked in f32 and timed in bf16',
    )
    parser.add_argument(
        '--threads',
        type=int,
        metavar='N',
        help='CPU threads that the detector will be started with; by default several numbers are '
        'timed, and threads 0 takes the best',
    )
    parser.add_argument(
        '--frames',
        metavar='INPUT',
        help='video, bag or folder of images to check on; simulated by default',
    )
    parser.add_argument(
        '--frame-count',
        type=int,
        default=4,
        metavar='N',
        help='maximum number of frames to compare; 4 by default',
    )
    parser.add_argument(
        '--cache', type=Path, metavar='FOLDER', help='~/.cache/roof_detector/exports by default'
    )
    parser.add_argument('--again', action='store_true', help='build existing exports again')
    add_trust_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare and print a table; return 1 if a requested backend cannot be used."""
    from roof_detector.inference.backend_choice import choose_backend  # noqa: PLC0415
    from roof_detector.inference.export.export_cache import ExportCache  # noqa: PLC0415
    from roof_detector.inference.export.preparation import Preparation  # noqa: PLC0415
    from roof_detector.inference.export.prepare import prepare_exports  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415
    from roof_detector.offline.trial_frames import trial_frames  # noqa: PLC0415

    def report(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    report('frames')
    count, side = arguments.frame_count, arguments.image_size
    preparation = Preparation(
        model_path=resolve_model(arguments.model),
        cache=ExportCache.at(arguments.cache),
        frames=trial_frames(arguments.frames or None, count=count),
        device=arguments.device,
        precision=arguments.precision,
        image_size=(side, side) if side else None,
        threads=arguments.threads,
        trust_model=arguments.trust_model,
    )
    prepared = prepare_exports(
        preparation, arguments.backend or CACHED_BACKENDS, again=arguments.again, progress=report
    )
    print(table(prepared))
    choice = choose_backend(
        preparation.model_path,
        wish='auto',
        device=arguments.device,
        precision=arguments.precision,
        cache=preparation.cache,
    )
    print(f'\nauto uses {choice.sentence}')
    return int(any(one.problem for one in prepared) and arguments.backend is not None)


def table(prepared: list[PreparedBackend]) -> str:
    """Return a Markdown table, one backend a row: alone, and beside a busy process."""
    rows = [
        (
            'backend',
            'threads',
            'alone (ms)',
            'CPU (ms)',
            'threads beside',
            'beside (ms)',
            'CPU (ms)',
            "of torch's cost",
            '',
        ),
        ('---', *['---:'] * 7, '---'),
    ]
    torch_cost = next(one.cost for one in prepared if one.backend == 'torch')
    assert torch_cost is not None
    for one in prepared:
        times = [''] * 7
        if (cost := one.cost) is not None:
            times = [
                str(cost.alone_threads or 'all'),
                f'{cost.alone_ms:.1f}',
                f'{cost.alone_cpu_ms:.1f}',
                str(cost.beside_threads or 'all'),
                f'{cost.beside_ms:.1f}',
                f'{cost.beside_cpu_ms:.1f}',
                f'{cost.weighed_ms() / torch_cost.weighed_ms():.2f}',
            ]
        rows.append((one.backend, *times, one.problem or 'ready'))
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in rows)
