# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.bench soak`: what grows over many minutes."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from benchmarks.bench.commands.options import add_common, end_in_order, network_of, size_wh
from roof_detector.ros.common.image_topic_name import IMAGE_TRANSPORTS

if TYPE_CHECKING:
    import argparse

_log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `soak`."""
    parser = subparsers.add_parser(
        'soak',
        help='run the detector for minutes and see what grows',
        description='Send frames to a detector for minutes, change its parameters and subscribe '
        'to its images and unsubscribe, and write how memory, threads, handles and the age of '
        'results develop, beside the bare forward pass.',
    )
    add_common(parser, 'soak')
    parser.add_argument('--minutes', type=float, default=30.0, help='how long; 30 by default')
    parser.add_argument(
        '--sample-period',
        type=float,
        default=10.0,
        metavar='S',
        help='seconds between two samples; 10 by default',
    )
    parser.add_argument(
        '--size',
        type=size_wh,
        default=(1280, 720),
        metavar='WxH',
        help='of the frames; 1280x720 by default',
    )
    parser.add_argument(
        '--transport',
        choices=IMAGE_TRANSPORTS,
        default='raw',
        help='how frames are sent; raw by default',
    )
    parser.add_argument(
        '--rate', type=float, default=30.0, help='frames per second; 30 by default'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the endurance test, write the result and print its summary."""
    from benchmarks.bench.contender import our_node  # noqa: PLC0415
    from benchmarks.bench.graph import BareForward  # noqa: PLC0415
    from benchmarks.bench.graph_stand import GraphStand, Load  # noqa: PLC0415
    from benchmarks.bench.machine import describe_run  # noqa: PLC0415
    from benchmarks.bench.result_file import write_result  # noqa: PLC0415
    from benchmarks.bench.soak import Soak  # noqa: PLC0415

    end_in_order()
    network = network_of(arguments)
    contender = our_node('soak', transport=arguments.transport, **network)
    load = Load(size_wh=arguments.size, transport=arguments.transport, rate_hz=arguments.rate)
    described = describe_run()
    with BareForward(**network) as bare, GraphStand() as stand:
        soak = Soak(stand, contender, load, bare=bare)
        measured = soak.run(
            seconds=arguments.minutes * 60, sample_period_s=arguments.sample_period
        )
        ran = bare.describe()
    write_result(arguments.output, 'soak', described, {'network': ran, **measured})
    summary = {key: value for key, value in measured.items() if key != 'samples'}
    print(json.dumps(summary, indent=1))
    _log.info('The result is in %s.', arguments.output)
    return 0
