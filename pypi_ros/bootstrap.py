# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Set up everything: `python3 pypi_ros/bootstrap.py` with nothing but the standard library.

Where a ROS 2 installation is sourced, the virtual environment sees it and only adds what ROS does
not have. Elsewhere ROS 2 Jazzy comes from PyPI. What is there already is skipped. `--flight` makes
the light set for a drone's computer instead: no torch, no ultralytics, nothing for training.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from environment import make_environment
from lighten import lighten, megabytes
from machine import has_ros, missing
from workspace import ROOT, build_package, build_underlay


def main() -> int:
    """Set up the virtual environment and build the workspaces; return the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv')
    parser.add_argument('--flight', action='store_true', help='the light set: without torch')
    arguments = parser.parse_args()
    venv, flight = arguments.venv.absolute(), arguments.flight
    with_ros = has_ros()
    faults = missing(venv, with_ros=with_ros, flight=flight)
    if faults:
        for fault in faults:
            print(fault, file=sys.stderr)
        return 1
    _step(
        f'Python environment in {venv.name}'
        + (' beside the sourced ROS' if with_ros else ' with ROS 2 Jazzy from PyPI')
        + ('' if with_ros or flight else ' (7 GB)'),
        lambda: make_environment(venv, with_ros=with_ros, flight=flight),
    )
    if not with_ros:
        _step('message packages', lambda: build_underlay(venv))
    _step('roof_detector', lambda: build_package(venv))
    if flight:
        lighten(venv)
        print(f'setup: {megabytes(venv)} MB in {venv}')
    return 0


def _step(name: str, work: object) -> None:
    print(f'setup: {name} ...', flush=True)
    started_s = time.monotonic()
    done = work()  # type: ignore[operator]
    took_s = time.monotonic() - started_s
    print(f'setup: {name}: {"already there" if done is False else f"{took_s:.0f} s"}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
