# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that ROS 2 and the message packages are installed."""

from __future__ import annotations

import importlib
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from roof_detector.doctor.finding import Finding, fail, ok, warn

_SUBJECT = 'ROS 2'
_DISTRIBUTIONS = ('jazzy', 'humble')
_NEEDED = (
    'diagnostic_msgs',
    'geometry_msgs',
    'lifecycle_msgs',
    'sensor_msgs',
    'std_srvs',
    'vision_msgs',
)


def check_ros() -> list[Finding]:
    """Find rclpy and the message packages, and report their origin."""
    try:
        rclpy = importlib.import_module('rclpy')
    except ImportError as error:
        return [fail(_SUBJECT, f'rclpy cannot be imported ({error}).', _installation_remedy())]
    missing = []
    for name in _NEEDED:
        try:
            importlib.import_module(f'{name}.{"srv" if name.endswith("srvs") else "msg"}')
        except ImportError:
            missing.append(name)
    distribution, origin = _origin(rclpy)
    if missing:
        return [
            fail(
                _SUBJECT,
                f'ROS 2 {distribution} ({origin}) lacks {", ".join(missing)}.',
                _messages_remedy(missing, distribution, origin),
            )
        ]
    domain = os.environ.get('ROS_DOMAIN_ID', '0')
    reach = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    summary = f'ROS 2 {distribution} ({origin}), domain {domain}, discovery range {reach}.'
    if distribution not in _DISTRIBUTIONS:
        return [
            warn(
                _SUBJECT,
                f'{summary} Tested with {" and ".join(_DISTRIBUTIONS)}.',
                'source /opt/ros/jazzy/setup.bash',
            )
        ]
    return [ok(_SUBJECT, summary)]


def _origin(rclpy: object) -> tuple[str, str]:
    """Return the name and the origin of the distribution."""
    for name in _DISTRIBUTIONS:
        try:
            return name, f'PyPI wheels, rclpy {version(f"ros-{name}-rclpy")}'
        except PackageNotFoundError:
            continue
    folder = Path(str(getattr(rclpy, '__file__', ''))).parent
    return os.environ.get('ROS_DISTRO', 'of unknown distribution'), str(folder)


def _installation_remedy() -> str:
    for setup in sorted(Path('/opt/ros').glob('*/setup.bash')):
        return f'source {setup}'
    return 'make setup && source pypi_ros/env.bash'


def _messages_remedy(missing: list[str], distribution: str, origin: str) -> str:
    if origin.startswith('PyPI'):
        return 'make setup && source pypi_ros/env.bash'
    packages = ' '.join(f'ros-{distribution}-{name.replace("_", "-")}' for name in missing)
    return f'sudo apt install {packages}'
