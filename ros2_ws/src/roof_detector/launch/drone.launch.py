# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Everything that flies: camera, detector and recorder, a process each.

    ros2 launch roof_detector drone.launch.py source:=/dev/video0 record:=true

A rehearsal without a drone or a camera:

    ros2 launch roof_detector drone.launch.py simulated:=true record:=true

Every argument of the three nodes may be given. What two of them share has a name for each
(camera_jpeg_quality, annotated_jpeg_quality, camera_params_file ...), or acts on all.
"""

from __future__ import annotations

from collections.abc import Mapping

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.descriptions import COMMON, describe, start_node
from roof_detector.launching.jobs import (
    DRONE_CAMERA,
    DRONE_DETECTOR,
    DRONE_RECORDER,
    DRONE_SIMULATED_FLIGHT,
    IMAGE,
    IMAGE_COMPRESSED,
    SIMULATED,
    flying_jobs,
    image_remappings,
)
from roof_detector.launching.node_job import merged_arguments


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    arguments = merged_arguments(
        {
            'camera': DRONE_CAMERA,
            'simulated flight': DRONE_SIMULATED_FLIGHT,
            'detector': DRONE_DETECTOR,
            'recorder': DRONE_RECORDER,
        }
    )
    return describe(
        __file__, [*COMMON, Argument.of(SIMULATED), IMAGE, IMAGE_COMPRESSED, *arguments], _start
    )


def _start(context: LaunchContext, given: Mapping[str, str]) -> list[LaunchDescriptionEntity]:
    is_simulated = bool(value_of(SIMULATED, given.get(SIMULATED.name, 'false')))
    remappings = {DRONE_DETECTOR: image_remappings(DRONE_DETECTOR, given)}
    jobs = flying_jobs(given, is_simulated=is_simulated)
    for job in jobs:
        job.parameters(given)  # nothing starts where one of them would be refused
    return [
        entity
        for job in jobs
        for entity in start_node(context, job, given, remappings=remappings.get(job, ()))
    ]
