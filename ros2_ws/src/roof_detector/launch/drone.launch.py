# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""All nodes of a drone: camera, detector, recorder and inspector, each in its own process.

    ros2 launch roof_detector drone.launch.py source:=/dev/video0 record:=true

A simulated flight, without a drone or a camera:

    ros2 launch roof_detector drone.launch.py simulated:=true record:=true

With findings, every object once and in its place:

    ros2 launch roof_detector drone.launch.py source:=0 inspector:=true ground_m:=9.0

All arguments of the nodes are available. One that two of them share has a name for each
(camera_jpeg_quality, annotated_jpeg_quality, camera_params_file ...), or applies to all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.descriptions import COMMON, describe, start_node
from roof_detector.launching.jobs import (
    DRONE_CAMERA,
    DRONE_DETECTOR,
    DRONE_INSPECTOR,
    DRONE_RECORDER,
    DRONE_SIMULATED_FLIGHT,
    IMAGE,
    IMAGE_COMPRESSED,
    INSPECTED,
    SIMULATED,
    flying_jobs,
    image_remappings,
)
from roof_detector.launching.node_job import merged_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    arguments = merged_arguments(
        {
            'camera': DRONE_CAMERA,
            'simulated flight': DRONE_SIMULATED_FLIGHT,
            'detector': DRONE_DETECTOR,
            'recorder': DRONE_RECORDER,
            'inspector': DRONE_INSPECTOR,
        }
    )
    switches = [Argument.of(one) for one in (SIMULATED, INSPECTED)]
    return describe(__file__, [*COMMON, *switches, IMAGE, IMAGE_COMPRESSED, *arguments], _start)


def _start(context: LaunchContext, given: Mapping[str, str]) -> list[LaunchDescriptionEntity]:
    is_simulated, is_inspected = (
        bool(value_of(one, given.get(one.name, 'false'))) for one in (SIMULATED, INSPECTED)
    )
    images = image_remappings(DRONE_DETECTOR, given)
    remappings = {DRONE_DETECTOR: images, DRONE_INSPECTOR: images[:1]}
    jobs = flying_jobs(given, is_simulated=is_simulated, is_inspected=is_inspected)
    for job in jobs:
        job.parameters(given)  # no node starts if one of them would refuse its arguments
    return [
        entity
        for job in jobs
        for entity in start_node(context, job, given, remappings=remappings.get(job, ()))
    ]
