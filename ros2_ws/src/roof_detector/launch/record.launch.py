# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder node: writes topics to MCAP bags.

    ros2 launch roof_detector record.launch.py record:=true output_directory:=/data/bags

`-s` after the file's name lists the arguments. Arguments take precedence over
params_file, and params_file over the node's defaults. After Ctrl-C the recorder
has a minute to write its queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.descriptions import describe_node
from roof_detector.launching.jobs import RECORDER

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe_node(__file__, RECORDER)
