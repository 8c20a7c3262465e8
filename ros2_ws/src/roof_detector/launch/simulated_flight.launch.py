# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The simulated_flight node: a camera over generated roofs, with ground truth.

    ros2 launch roof_detector simulated_flight.launch.py seed:=7 frames:=300

`-s` after the file's name lists the arguments. Arguments take precedence over
params_file, and params_file over the node's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.descriptions import describe_node
from roof_detector.launching.jobs import SIMULATED_FLIGHT

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe_node(__file__, SIMULATED_FLIGHT)
