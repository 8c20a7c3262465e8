# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector security`: makes and checks the keys of a secured ROS graph."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_KEYSTORE = '~/roof_detector_keys'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'security',
        help='make and check the keys of a secured ROS graph (SROS2)',
        description='Make and check the keys that let only our nodes take part in the ROS graph. '
        'docs/how-to/security.md says what that protects from, and what not.',
    )
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    init = actions.add_parser(
        'init',
        help='make an authority and an enclave for each node, or renew the enclaves',
        description='Make a keystore as `ros2 security` lays it out: an authority, and an enclave '
        'with a key, a certificate and signed permissions for camera, detector, recorder, '
        'station and operator. An existing authority stays; the enclaves are made again.',
    )
    check = actions.add_parser('check', help='check signatures, times and who can read the keys')
    for action in (init, check):
        action.add_argument(
            '--keystore',
            type=Path,
            default=Path(_KEYSTORE),
            metavar='DIR',
            help='folder of the keys; %(default)s by default',
        )
    init.add_argument('--namespace', default='', help='namespace of the nodes; none by default')
    init.add_argument(
        '--image-topics',
        nargs='+',
        default=['camera/image'],
        metavar='TOPIC',
        help='raw image topics that the detector listens to; %(default)s by default',
    )
    init.add_argument(
        '--record-topics',
        nargs='*',
        default=[],
        metavar='TOPIC',
        help='topics that the recorder records beyond those of our nodes',
    )
    init.add_argument(
        '--telemetry-topics',
        nargs='*',
        default=[],
        metavar='TOPIC',
        help='topics of the autopilot that tell the inspector where the camera is',
    )
    init.add_argument(
        '--days',
        type=int,
        default=3650,
        metavar='N',
        help='days for which the keys are valid; %(default)s by default',
    )
    init.set_defaults(run=run_init)
    check.set_defaults(run=run_check)


def run_init(arguments: argparse.Namespace) -> int:
    """Make the keystore and print what to set."""
    from roof_detector.security.errors import SecurityError  # noqa: PLC0415
    from roof_detector.security.keystore import Keystore  # noqa: PLC0415
    from roof_detector.security.policies import our_policies  # noqa: PLC0415

    if not 1 <= arguments.days <= 36_500:
        msg = f'--days is {arguments.days}, expected 1 to 36500.'
        raise SecurityError(msg)
    keystore = Keystore(arguments.keystore.expanduser().absolute())
    policies = our_policies(
        namespace=arguments.namespace,
        image_topics=arguments.image_topics,
        recorded_topics=arguments.record_topics,
        telemetry_topics=arguments.telemetry_topics,
    )
    for enclave in keystore.create(policies, days=arguments.days):
        print(f'{enclave}: {keystore.enclave(enclave)}')
    print(
        '\nSet this for every process of the graph; the launch files name the enclaves:\n'
        f'export ROS_SECURITY_KEYSTORE={keystore.root}\n'
        'export ROS_SECURITY_ENABLE=true\n'
        'export ROS_SECURITY_STRATEGY=Enforce\n'
        '# for ros2, rviz2 and the doctor alone:\n'
        'export ROS_SECURITY_ENCLAVE_OVERRIDE=/roof_detector/operator\n'
        f'\nMove {keystore.authority_key} to the ground: a drone does not need it any more.'
    )
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Print what is wrong with a keystore; return 1 if anything is."""
    from roof_detector.security.keystore import Keystore  # noqa: PLC0415
    from roof_detector.security.verification import verify  # noqa: PLC0415

    keystore = Keystore(arguments.keystore.expanduser().absolute())
    report = verify(keystore)
    for sentence in (*report.problems, *report.warnings):
        print(sentence, file=sys.stderr)
    if not report.problems and report.ends is not None:
        print(f'{len(keystore.enclaves())} enclaves are valid until {report.ends:%Y-%m-%d}.')
    return 1 if report.problems else 0
