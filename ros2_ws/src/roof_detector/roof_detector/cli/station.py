# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector station`: runs the ground station over a simulated flight."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.demo import DEMO_SEED

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'station',
        help='run the ground station over a simulated flight; on a drone: station.launch.py',
        description='Run a simulated flight, detector, recorder and the page, until Ctrl-C.',
    )
    parser.add_argument(
        '--port',
        type=int,
        default=8080,
        help='port of the page on this computer; %(default)s by default',
    )
    parser.add_argument(
        '--folder',
        type=Path,
        default=Path('~/roof_detector'),
        metavar='DIR',
        help='folder for flights, results and logs; %(default)s by default',
    )
    parser.add_argument('--language', default='en', help='en or zh; %(default)s by default')
    parser.add_argument(
        '--model',
        default='roof_anomalies',
        help='shipped model or model file; %(default)s by default',
    )
    parser.add_argument(
        '--token-file',
        default='',
        metavar='FILE',
        help='file with the token that the page requires; without one, every user of this '
        'computer has access',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fly in circles and serve the page until interrupted."""
    from roof_detector.demo.node_processes import NodeProcesses  # noqa: PLC0415
    from roof_detector.inputs.secret_file import take_variable  # noqa: PLC0415
    from roof_detector.ros.common.free_domain import free_domain  # noqa: PLC0415
    from roof_detector.station.folders import StationFolders  # noqa: PLC0415
    from roof_detector.station.station_node import run_station  # noqa: PLC0415
    from roof_detector.station.station_token import TOKEN_VARIABLE  # noqa: PLC0415

    token = take_variable(TOKEN_VARIABLE)  # for the page alone, not for the nodes beside it
    folders = StationFolders.make(str(arguments.folder))
    # A domain of its own keeps nodes of another flight on this machine out.
    os.environ.setdefault('ROS_DOMAIN_ID', str(free_domain()))
    with NodeProcesses(folders.root / 'logs', environment={}) as nodes:
        nodes.start('detector', {'model': arguments.model}, remappings={'image': '/camera/image'})
        nodes.start('recorder', {'output_directory': str(folders.flights)})
        nodes.start(
            'simulated_flight',
            {'seed': DEMO_SEED, 'loop': True},
            remappings={'__node': 'camera'},
        )
        page = {
            'port': arguments.port,
            'folder': folders.root,
            'language': arguments.language,
            'token_file': arguments.token_file,
        }
        if token:
            os.environ[TOKEN_VARIABLE] = token
        print(f'Open http://127.0.0.1:{arguments.port}/ - Ctrl-C ends it.', flush=True)
        given = [
            text
            for name, value in page.items()
            if value != ''
            for text in ('-p', f'{name}:={value}')
        ]
        return run_station(['--ros-args', '--enclave', '/roof_detector/station', *given])
