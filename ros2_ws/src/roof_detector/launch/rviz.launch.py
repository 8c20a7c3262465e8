# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""RViz with images, the camera's pose, findings and coverage.

    ros2 launch roof_detector rviz.launch.py

RViz has no display for /diagnostics: `ros2 run rqt_robot_monitor rqt_robot_monitor` has. On
another computer than the drone's, both need the same ROS_DOMAIN_ID.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import get_package_share_directory
from launch_ros.actions import Node

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.descriptions import describe, environment
from roof_detector.launching.node_job import NAMESPACE, USE_SIM_TIME
from roof_detector.launching.readable_file import readable_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    shipped = Path(get_package_share_directory('roof_detector'), 'config/roof_detector.rviz')
    config = Argument('config', str(shipped), 'RViz configuration file.')

    def start(context: LaunchContext, given: Mapping[str, str]) -> list[LaunchDescriptionEntity]:
        is_simulated = value_of(USE_SIM_TIME, given.get(USE_SIM_TIME.name, 'false'))
        shown = readable_file(given.get(config.name, str(shipped)), argument=config.name)
        return [
            Node(
                package='rviz2',
                executable='rviz2',
                namespace=given.get(NAMESPACE.name, ''),
                arguments=['-d', str(shown)],
                parameters=[{USE_SIM_TIME.name: is_simulated}],
                additional_env=environment(context),
            )
        ]

    return describe(__file__, [config, NAMESPACE, Argument.of(USE_SIM_TIME)], start)
