# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector play`: publishes a bag as it was recorded, without `ros2 bag`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'play',
        help='publish a bag as it was recorded, and its time as /clock',
        description='Publish every message at its time with the quality of service it was '
        'recorded with. The service /player/pause (std_srvs/SetBool) pauses and resumes.',
    )
    parser.add_argument('bag', type=Path, help='rosbag2 folder, .mcap, .db3 or ROS 1 .bag')
    parser.add_argument('--rate', type=float, default=1.0, help='speed; by default 1, as recorded')
    parser.add_argument('--loop', action='store_true', help='start again at the end')
    parser.add_argument(
        '--paused', action='store_true', help='start paused, until the service resumes'
    )
    parser.add_argument(
        '--delay',
        type=float,
        default=0.0,
        metavar='S',
        help='seconds before the first message; none by default',
    )
    parser.add_argument(
        '--wait-for',
        nargs='+',
        default=[],
        metavar='TOPIC',
        help='begin when each of these has a subscriber, or after a minute',
    )
    parser.add_argument(
        '--clock',
        type=float,
        default=100.0,
        metavar='HZ',
        help='rate of /clock; %(default)g by default',
    )
    parser.add_argument(
        '--topics',
        nargs='+',
        default=['*'],
        metavar='TOPIC',
        help="names, or patterns such as '/camera/*'; all by default",
    )
    parser.add_argument(
        '--exclude',
        nargs='+',
        default=[],
        metavar='TOPIC',
        help='names or patterns of topics to leave out',
    )
    parser.add_argument(
        '--remap',
        nargs='+',
        default=[],
        metavar='OLD:=NEW',
        help='publish a topic under another name',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play to the end or until interrupted."""
    try:
        from roof_detector.ros.common.node_process import run_node  # noqa: PLC0415
        from roof_detector.ros.player.player_node import PlayerNode, PlaySettings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        msg = f'Playing needs ROS 2, but {error.name} is missing; source pypi_ros/env.bash first.'
        raise RuntimeError(msg) from error

    def make_node() -> PlayerNode:
        settings = PlaySettings(
            rate=arguments.rate,
            loop=arguments.loop,
            paused=arguments.paused,
            delay_s=arguments.delay,
            clock_hz=arguments.clock,
            topics=tuple(arguments.topics),
            exclude=tuple(arguments.exclude),
            wait_for=tuple(arguments.wait_for),
        )
        return PlayerNode(arguments.bag, settings)

    remaps = [word for remap in arguments.remap for word in ('--remap', remap)]
    return run_node(make_node, arguments=['--ros-args', *remaps] if remaps else [])
