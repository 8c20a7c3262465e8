# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether this machine can be set up, and whether it has ROS already."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

PYTHONS = ((3, 10), (3, 13))
# The CUDA build of torch, OpenVINO and ROS take 7.5 GB; building adds little.
NEEDED_DISK_GB = 10.0
# The light set takes 0.5 GB, and ROS from PyPI with what builds on it 0.6 GB more.
FLIGHT_DISK_GB = 1.5
FLIGHT_PYTHON = (3, 14)  # what Lyrical has: the light set has wheels for it


def missing(target: Path, *, with_ros: bool, flight: bool = False) -> list[str]:
    """Return a sentence for each thing this machine lacks, with the command that brings it."""
    faults = []
    version = sys.version_info[:2]
    newest = FLIGHT_PYTHON if flight and with_ros else PYTHONS[1]
    if not PYTHONS[0] <= version <= newest:
        faults.append(
            f'Python {version[0]}.{version[1]} is not supported, expected 3.10 to 3.{newest[1]}: '
            'sudo apt install python3.11 python3.11-venv, then make PYTHON=python3.11.'
        )
    if not with_ros and (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        faults.append(
            f'ROS 2 wheels exist for Linux on x86_64, not for {platform.system()} on '
            f'{platform.machine()}: install ROS 2 Jazzy from packages.ros.org and source it.'
        )
    if importlib.util.find_spec('ensurepip') is None:
        faults.append('The venv module is missing: sudo apt install python3-venv.')
    if not with_ros:
        faults += _missing_compiler()
    free_gb = shutil.disk_usage(_existing(target)).free / 1e9
    needed_gb = FLIGHT_DISK_GB if flight else NEEDED_DISK_GB
    if flight and any(target.glob('lib/python3.*/site-packages/torch')):
        faults.append(
            f'{target} holds the full environment, of which none becomes a light one: use another '
            'clone, or rm -r it first.'
        )
    if not target.exists() and free_gb < needed_gb:
        faults.append(
            f'{target.parent} has {free_gb:.1f} GB free, {needed_gb:g} GB are needed: '
            'sudo apt clean, or clone to a larger disk.'
        )
    return faults


def has_ros() -> bool:
    """Tell whether a ROS 2 installation is sourced in this shell."""
    return bool(os.environ.get('ROS_DISTRO')) and bool(os.environ.get('AMENT_PREFIX_PATH'))


def _missing_compiler() -> list[str]:
    faults = []
    if not (shutil.which('gcc') and shutil.which('g++')):
        faults.append('The compilers gcc and g++ are missing: sudo apt install build-essential.')
    if not Path(sysconfig.get_path('include'), 'Python.h').exists():
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        faults.append(
            f'The headers of Python {version} are missing: sudo apt install python{version}-dev.'
        )
    return faults


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
