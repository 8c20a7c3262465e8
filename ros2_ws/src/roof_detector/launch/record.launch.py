# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder: writes topics into MCAP bags, in a process of its own.

    ros2 launch roof_detector record.launch.py record:=true output_directory:=/data/bags

`-s` after the file's name lists the arguments. An argument wins over params_file, and that over
the defaults, which are the node's own. After Ctrl-C the recorder has a minute to write what is
queued.
"""

from __future__ import annotations

from launch import LaunchDescription

from roof_detector.launching.descriptions import describe_node
from roof_detector.launching.jobs import RECORDER


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe_node(__file__, RECORDER)
