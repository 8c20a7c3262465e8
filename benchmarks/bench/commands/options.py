# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Command line options that several benchmarks share."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import Any

from roof_detector.inference.options import PRECISIONS

RESULTS = Path('benchmarks/results')


def add_common(parser: argparse.ArgumentParser, part: str) -> None:
    """Add the options for the model, its precision and threads, and the output."""
    parser.add_argument(
        '--model',
        default='roof_anomalies',
        help='a shipped model or a model file; roof_anomalies by default',
    )
    parser.add_argument(
        '--int8', action='store_true', help='run the INT8 model of the package, where it may run'
    )
    add_computation(parser, part)


def add_computation(parser: argparse.ArgumentParser, part: str) -> None:
    """Add the options for threads, precision and output."""
    parser.add_argument(
        '--threads',
        type=int,
        default=0,
        help='of the backend; 0, the default, uses the number that `models prepare` found best '
        'for what the node runs, else all cores',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='auto',
        help='of the backend, as the parameter of the node; auto by default',
    )
    output = RESULTS / f'{part}.json'
    parser.add_argument(
        '--output', type=Path, default=output, help=f'file for the result; {output} by default'
    )


def network_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what says how the node, and the bare forward pass, compute the network."""
    return {name: getattr(arguments, name) for name in ('model', 'int8', 'precision', 'threads')}


def size_wh(text: str) -> tuple[int, int]:
    """Parse a size such as 1280x720 as (width, height)."""
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        msg = f'{text!r} is not a size such as 1280x720.'
        raise argparse.ArgumentTypeError(msg)
    return int(width), int(height)


def end_in_order() -> None:
    """Make SIGTERM end this command like Ctrl-C, so that the nodes it has started end, too."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
