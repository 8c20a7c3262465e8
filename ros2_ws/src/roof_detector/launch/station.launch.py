# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground station: a web page to watch, tune and record, served to this computer only.

    ros2 launch roof_detector station.launch.py

`-s` after the file's name lists the arguments. Arguments take precedence over
params_file, and params_file over the node's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.descriptions import describe_node
from roof_detector.launching.jobs import STATION

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe_node(__file__, STATION)
