# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench report`: the goals that are reached, and plots."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.commands.options import RESULTS

if TYPE_CHECKING:
    import argparse

_log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `report`."""
    parser = subparsers.add_parser(
        'report',
        help='judge the measurements of a folder by the goals, and plot them',
        description='Print a Markdown table of the goals, met or not met by the newest '
        'measurement of each part, and draw plots beside the measurements.',
    )
    parser.add_argument(
        'folder',
        nargs='?',
        type=Path,
        default=RESULTS,
        help=f'with the results of the other parts; {RESULTS} by default',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts and write the plots."""
    from benchmarks.bench.goals import judge  # noqa: PLC0415
    from benchmarks.bench.plots import plot_ages, plot_soak  # noqa: PLC0415
    from benchmarks.bench.result_file import read_results  # noqa: PLC0415

    results = read_results(arguments.folder)
    if not results:
        msg = f'{arguments.folder} holds no results, measure first: make bench.'
        raise ValueError(msg)
    print('| goal | network | measured | |\n| --- | --- | --- | --- |')
    for verdict in judge(results):
        met = 'met' if verdict.met else '**not met**'
        print(f'| {verdict.goal} | {verdict.network} | {verdict.measured} | {met} |')
    for part in ('graph', 'plenty', 'baseline'):
        for result in results.get(part, ()):
            path = arguments.folder / f'{result["file"]}.png'
            plot_ages(result['rows'], path, title=result['rows'][0]['pace'])
            _log.info('The plot is in %s.', path)
    if 'soak' in results:
        plot_soak(results['soak'][-1], arguments.folder / 'soak.png')
        _log.info('The plot is in %s.', arguments.folder / 'soak.png')
    return 0
