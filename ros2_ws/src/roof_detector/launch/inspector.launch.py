# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The inspector node: makes findings of a detector's detections, every object once.

    ros2 launch roof_detector inspector.launch.py ground_m:=9.0 findings_directory:=/data/roof

`-s` after the file's name lists the arguments. Arguments take precedence over
params_file, and params_file over the node's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.descriptions import COMMON, describe, start_node
from roof_detector.launching.jobs import IMAGE, INSPECTOR

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe(
        __file__,
        [*COMMON, IMAGE, *INSPECTOR.arguments()],
        lambda context, given: start_node(
            context,
            INSPECTOR,
            given,
            remappings=[('image', given.get(IMAGE.name) or str(IMAGE.default))],
        ),
    )
