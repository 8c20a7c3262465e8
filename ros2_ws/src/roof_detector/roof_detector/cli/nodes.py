# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The commands that start a node: `ros2 run roof_detector detector`, or `detector` alone."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

from roof_detector.inference.missing_extra import not_installed

_HELP = """\
usage: {name} [--ros-args -p PARAMETER:=VALUE ...]

Start the {name} node. `ros2 launch roof_detector {launch}.launch.py --show-args` lists its
parameters with their defaults; docs/reference/parameters.md shows the same."""


def camera() -> NoReturn:
    """Publish a camera, a stream or a recording."""
    _start('camera', 'roof_detector.ros.camera.camera_node')


def detector() -> NoReturn:
    """Detect what is in a camera's images."""
    _start('detector', 'roof_detector.ros.detector.detector_node')


def inspector() -> NoReturn:
    """Make findings of detections: every object once."""
    _start('inspector', 'roof_detector.ros.inspector.inspector_node')


def recorder() -> NoReturn:
    """Record the flight."""
    _start('recorder', 'roof_detector.ros.recorder.recorder_node', launch='record')


def simulated_flight() -> NoReturn:
    """Publish a simulated flight."""
    _start('simulated_flight', 'roof_detector.ros.camera.simulated_flight_node')


def station() -> NoReturn:
    """Serve the ground station's page."""
    _start('station', 'roof_detector.station.station_node')


def _start(name: str, module: str, *, launch: str = '') -> NoReturn:
    """Run the node's own main; explain it, or say what is missing."""
    if {'-h', '--help'} & set(sys.argv[1:]):
        print(_HELP.format(name=name, launch=launch or name))
        sys.exit(0)
    try:
        node = importlib.import_module(module)
    except ModuleNotFoundError as error:
        sys.exit(not_installed(error))
    sys.exit(node.main())
