# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The virtual environment: made, filled from the pins, and mended."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = HERE / 'pins'
UV_PINS = PINS / 'uv.txt'
FLIGHT_PINS = PINS / 'flight.txt'  # of every Python and processor, with markers
BUILD_PINS = PINS / 'build.txt'  # what builds the source distributions among the pins
UV = 'uv==0.13.9'  # resolves and links in seconds what pip copies in minutes

# Where the wheels' CMake targets look for Python and NumPy: on the machine that built them.
_BUILDER_PYTHON = re.compile(r'/opt/python/cp\d+-cp\d+/include/python3\.\d+')
_BUILDER_NUMPY = re.compile(
    r'/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/(?:_core|core)/include'
)


def make_environment(venv: Path, *, with_ros: bool, flight: bool = False) -> bool:
    """Bring the environment up to the pins; return False when it already was.

    With `flight` it is the light one: no torch, no ultralytics, nothing for training.
    """
    version = f'{sys.version_info[0]}.{sys.version_info[1]}'
    common, ros = (PINS / name for name in pins_of(version))
    if flight:
        common, ros = FLIGHT_PINS, PINS / flight_ros_pins(version)
    pins = [common] if with_ros else [common, ros]
    stamp = venv / 'roof_detector.stamp'
    content = _digest(*pins, UV_PINS, BUILD_PINS, Path(__file__))
    state = json.dumps({'python': sys.version, 'content': content})
    if stamp.exists() and stamp.read_text() == state:
        return False
    if not (venv / 'bin' / 'python').exists():
        options = ['--system-site-packages'] if with_ros else []
        _run(sys.executable, '-m', 'venv', *options, str(venv))
    python = str(venv / 'bin' / 'python')
    _run(
        python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check',
        '--require-hashes', '-r', str(UV_PINS),
    )  # fmt: skip
    install_pinned(pins, python=python)
    if not with_ros:
        mend_cmake_targets(venv, python=python)
    stamp.write_text(state)
    return True


def install_pinned(pins: list[Path], *options: str, python: str) -> None:
    """Install what the pin files name; a file of another hash is refused, whoever serves it."""
    requirements = [argument for path in pins for argument in ('-r', str(path))]
    _run(
        python, '-m', 'uv', 'pip', 'install', '--python', python, '--require-hashes',
        '--build-constraint', str(BUILD_PINS), *options, *requirements,
    )  # fmt: skip


def pins_of(version: str) -> tuple[str, str]:
    """Return the pin files of a Python such as 3.11: of every machine, and of one without ROS."""
    tag = f'cp{version.replace(".", "")}'
    return f'{tag}.txt', f'{tag}-ros.txt'


def flight_ros_pins(version: str) -> str:
    """Return the pin file of what a light environment takes besides on a machine without ROS."""
    return f'cp{version.replace(".", "")}-flight-ros.txt'


def mend_cmake_targets(venv: Path, *, python: str) -> int:
    """Point the wheels' CMake targets at this machine's headers; return how many were mended."""
    query = 'import sysconfig, numpy; print(sysconfig.get_path("include"), numpy.get_include())'
    found = subprocess.run([python, '-c', query], check=True, capture_output=True, text=True)
    answer = found.stdout.split()
    mended = 0
    for path in sorted(venv.glob('share/*/cmake/*.cmake')):
        text = path.read_text()
        here = _BUILDER_NUMPY.sub(answer[1], _BUILDER_PYTHON.sub(answer[0], text))
        if here != text:
            # uv links files from its cache: a new file leaves the cached one as it is.
            fresh = path.with_suffix('.mended')
            fresh.write_text(here)
            fresh.replace(path)
            mended += 1
    return mended


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
