# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Resolve the pinned versions with their hashes: `python pypi_ros/lock.py [--upgrade]`.

For each Python two files: `cp311.txt` is what every machine gets, `cp311-ros.txt` what a machine
without ROS gets besides. `flight.txt` is the light set of every Python and processor, and
`cp311-flight-ros.txt` what that takes besides without ROS. What the package needs stands in its
own pyproject.toml. What is locked already keeps its version unless `--upgrade` is given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import BUILD_PINS, FLIGHT_PINS, HERE, PINS, UV, UV_PINS, flight_ros_pins, pins_of

PROJECT = HERE.parent / 'ros2_ws' / 'src' / 'roof_detector' / 'pyproject.toml'
VERSIONS = ('3.10', '3.11', '3.12', '3.13')
PLATFORM = 'x86_64-manylinux_2_28'
# One OpenCV each: ultralytics asks for the one with windows, a drone gets the one without.
OVERRIDES = "opencv-python-headless; python_version<'3'\n"
BUILD_REQUIREMENTS = 'setuptools<80\nwheel\n'  # what the source distributions among the pins need


def main() -> int:
    """Write every pin file; return the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--upgrade', action='store_true', help='take the newest versions')
    upgrade = parser.parse_args().upgrade
    with tempfile.TemporaryDirectory() as folder:
        overrides = Path(folder, 'overrides.in')
        overrides.write_text(OVERRIDES)
        everything = ('--all-extras', '--override', str(overrides))
        light = ('--extra', 'flight')
        universal = ('--universal', *light)
        _compile(FLIGHT_PINS, PROJECT, options=universal, version=VERSIONS[0], upgrade=upgrade)
        for version in VERSIONS:
            common, ros = (PINS / name for name in pins_of(version))
            _lock_pair(common, ros, *everything, version=version, upgrade=upgrade)
            flight = Path(folder, f'flight-{version}.txt')
            flight.write_text(_text(FLIGHT_PINS))
            ros = PINS / flight_ros_pins(version)
            _lock_pair(flight, ros, *light, version=version, upgrade=False)
        for target, requirements in ((UV_PINS, f'{UV}\n'), (BUILD_PINS, BUILD_REQUIREMENTS)):
            wanted = Path(folder, 'wanted.in')
            wanted.write_text(requirements)
            _compile(target, wanted, version=VERSIONS[0], upgrade=upgrade)
    return 0


def _lock_pair(common: Path, ros: Path, *options: str, version: str, upgrade: bool) -> None:
    """Write what every machine gets, and what one without ROS gets besides."""
    whole = common.with_name(f'.whole-{common.name}')
    try:
        if not upgrade:
            whole.write_text(_text(common) + _text(ros))
        sources = (PROJECT, HERE / 'ros.in')
        _compile(whole, *sources, options=options, version=version, upgrade=upgrade)
        common.write_text(whole.read_text())  # the versions that `common` has to keep
        _compile(common, PROJECT, options=options, version=version, upgrade=False)
        kept = _blocks(common.read_text())
        extra = [block for name, block in _blocks(whole.read_text()).items() if name not in kept]
        ros.write_text(''.join(extra))
    finally:
        whole.unlink(missing_ok=True)


def _compile(
    target: Path, *wanted: Path, options: tuple[str, ...] = (), version: str, upgrade: bool
) -> None:
    platform = [] if '--universal' in options else ['--python-platform', PLATFORM]
    command = [
        sys.executable, '-m', 'uv', 'pip', 'compile', '--quiet', '--no-annotate', '--no-header',
        '--generate-hashes', '--python-version', version, *platform, *options,
        *(['--upgrade'] if upgrade else []), *map(str, wanted), '-o', str(target),
    ]  # fmt: skip
    subprocess.run(command, check=True)


def _blocks(text: str) -> dict[str, str]:
    """Return each pinned package's lines, its hashes with it, by its name."""
    blocks: dict[str, str] = {}
    name = ''
    for line in text.splitlines(keepends=True):
        if line[:1] not in (' ', '#', '\n'):
            name = line.partition('==')[0]
            blocks[name] = ''
        blocks[name] += line
    return blocks


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ''


if __name__ == '__main__':
    sys.exit(main())
