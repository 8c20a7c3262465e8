# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench scan`: compare the methods of the selective scan."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench.scan_timing import ScanTiming

LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `scan`."""
    parser = subparsers.add_parser(
        'scan',
        help='compare the methods of the selective scan',
        description='Time the methods of the selective scan, forward and backward, and count the '
        'memory that their tensors hold at most beyond the inputs. Times are the '
        'shortest of the repeats after one warm-up call.',
    )
    parser.add_argument(
        '--lengths',
        type=_positive,
        nargs='+',
        default=LENGTHS,
        metavar='L',
        help=f'of the sequence; powers of two from {LENGTHS[0]} to {LENGTHS[-1]} by default',
    )
    parser.add_argument('--methods', nargs='+', metavar='M', help='all that run here by default')
    for name, number in (('batch', 1), ('channels', 64), ('states', 16)):
        parser.add_argument(
            f'--{name}',
            type=_positive,
            default=number,
            metavar='N',
            help='size of the scan; %(default)s by default',
        )
    parser.add_argument(
        '--device',
        default='cpu',
        help='a device of torch, such as cuda:0; %(default)s by default',
    )
    parser.add_argument(
        '--repeats',
        type=_positive,
        default=3,
        metavar='N',
        help='timed calls of each case; %(default)s by default',
    )
    parser.add_argument(
        '--threads', type=_positive, metavar='N', help="of the CPU; torch's choice by default"
    )
    parser.add_argument(
        '--output', type=Path, metavar='DIR', help='a folder for scan.json and scan.png'
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print a Markdown table, and write the files if a folder is given."""
    import torch  # noqa: PLC0415

    from benchmarks.bench.scan_timing import (  # noqa: PLC0415
        ScanSizes,
        time_scan,
        usable_methods,
    )
    from training.machine import describe_machine  # noqa: PLC0415

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    machine = describe_machine(args.device)
    print('\n'.join(f'{name}: {value}' for name, value in machine.items()))
    print(f'batch {args.batch}, channels {args.channels}, states {args.states}, float32\n')
    usable = usable_methods(args.device)
    methods = args.methods or list(usable)
    unknown = sorted(set(methods) - set(usable))
    if unknown:
        msg = (
            f'{", ".join(unknown)} cannot run on {args.device} here; '
            f'choose from {", ".join(usable)}.'
        )
        raise ValueError(msg)
    print('| ' + ' | '.join(HEADINGS) + ' |')
    print('| ---: | --- ' + '| ---: ' * (len(HEADINGS) - 2) + '|')
    timings = []
    for length in args.lengths:
        sizes = ScanSizes(
            batch=args.batch, channels=args.channels, states=args.states, length=length
        )
        for method in methods:
            timing = time_scan(
                usable[method], method, sizes, device=args.device, repeats=args.repeats
            )
            timings.append(timing)
            print('| ' + ' | '.join(_cells(timing)) + ' |', flush=True)
    if args.output is not None:
        _write(args.output, machine, timings)
    return 0


HEADINGS = (
    'length',
    'method',
    'forward ms',
    'forward + backward ms',
    'peak MiB, inference',
    'peak MiB, training',
    'largest relative error',
)


def _cells(timing: ScanTiming) -> tuple[str, ...]:
    return (
        f'{timing.sizes.length}',
        timing.method,
        f'{timing.forward_ms:.2f}',
        f'{timing.training_ms:.2f}',
        f'{timing.inference_bytes / 2**20:.2f}',
        f'{timing.training_bytes / 2**20:.2f}',
        f'{timing.relative_error:.0e}',
    )


def _write(folder: Path, machine: dict[str, str], timings: Sequence[ScanTiming]) -> None:
    """Write the numbers, and the plot if matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {'machine': machine, 'timings': [asdict(timing) for timing in timings]}
    (folder / 'scan.json').write_text(json.dumps(numbers, indent=2) + '\n', encoding='utf-8')
    print(f'\nThe numbers are in {folder / "scan.json"}.')
    try:
        from benchmarks.bench.scan_plot import plot_scan_timings  # noqa: PLC0415
    except ImportError as error:
        print(f'There is no plot: {error}.')
        return
    plot_scan_timings(timings, folder / 'scan.png')
    print(f'The plot is in {folder / "scan.png"}.')


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"'{text}' is not a whole number of at least 1."
        raise argparse.ArgumentTypeError(msg)
    return int(text)
