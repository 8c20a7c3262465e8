# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The speed of the selective scan: a table forward and a table forward and backward.

Each method that runs on the device is timed at each length, the shortest of some calls after one
that warms up. `python -m benchmarks.bench scan` tells memory and errors too, and draws them.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.bench.commands.scan import LENGTHS
from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.bench.scan_timing import ScanSizes, ScanTiming, time_scan, usable_methods

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = {'forward_ms': 'Forward, ms', 'training_ms': 'Forward and backward, ms'}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print both tables, and write the numbers if a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--lengths', type=int, nargs='+', default=LENGTHS)
    parser.add_argument('--channels', type=int, default=64)
    parser.add_argument('--states', type=int, default=16)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--device', default='cpu', help='cpu, or cuda for the Triton kernels too')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--output', type=Path, help='a JSON file')
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    described = describe_run()
    methods = usable_methods(options.device)
    timings = [
        time_scan(
            scan,
            name,
            ScanSizes(
                batch=options.batch,
                channels=options.channels,
                states=options.states,
                length=length,
            ),
            device=options.device,
            repeats=options.repeats,
        )
        for length in options.lengths
        for name, scan in methods.items()
    ]
    for key, heading in TABLES.items():
        print(f'{heading}\n\n{table(timings, key)}\n')
    if options.output is not None:
        rows = [asdict(timing) for timing in timings]
        write_result(options.output, 'selective_scan', described, {'rows': rows})


def table(timings: Sequence[ScanTiming], key: str) -> str:
    """Return the times of one kind as Markdown: a row for each length, a column a method."""
    methods = list(dict.fromkeys(timing.method for timing in timings))
    lines = [f'| length | {" | ".join(methods)} |', f'| ---: |{" ---: |" * len(methods)}']
    for length in dict.fromkeys(timing.sizes.length for timing in timings):
        times = {
            timing.method: getattr(timing, key)
            for timing in timings
            if timing.sizes.length == length
        }
        lines.append(f'| {length} | {" | ".join(f"{times[name]:.2f}" for name in methods)} |')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
