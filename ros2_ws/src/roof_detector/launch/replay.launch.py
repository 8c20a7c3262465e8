# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A recorded flight through the detector, in the time of the flight.

    ros2 launch roof_detector replay.launch.py bag:=/data/bags/flight_1 image:=/camera/image

The bag needs its images (record with source_images:=true). What the detector published in
flight is left out of the playback, so that its topics carry the new results alone. Any argument
of detector.launch.py may be given too. To keep the results, run beside it:

    ros2 launch roof_detector record.launch.py record:=true use_sim_time:=true

Results that repeat exactly, with every frame, come from "roof_detector detect BAG" instead.
Without ros2 bag, start the detector with use_sim_time and run: roof_detector play BAG
"""

from __future__ import annotations

from collections.abc import Mapping

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import ExecuteProcess, TimerAction

from roof_detector.launching.descriptions import COMMON, describe, environment, start_node
from roof_detector.launching.jobs import (
    IMAGE,
    IMAGE_COMPRESSED,
    REPLAYED_DETECTOR,
    image_remappings,
)
from roof_detector.launching.node_job import USE_SIM_TIME
from roof_detector.launching.playback import PLAYBACK_ARGUMENTS, delay_s, play_command


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    common = [argument for argument in COMMON if argument.name != USE_SIM_TIME.name]
    return describe(
        __file__,
        [
            *PLAYBACK_ARGUMENTS,
            *common,
            IMAGE,
            IMAGE_COMPRESSED,
            *REPLAYED_DETECTOR.arguments(),
        ],
        _start,
    )


def _start(context: LaunchContext, given: Mapping[str, str]) -> list[LaunchDescriptionEntity]:
    play = ExecuteProcess(
        cmd=play_command(given),
        name='play',
        output='screen',
        additional_env=environment(context),
    )
    remappings = image_remappings(REPLAYED_DETECTOR, given)
    return [
        *start_node(context, REPLAYED_DETECTOR, given, remappings=remappings),
        TimerAction(period=delay_s(given), actions=[play]),
    ]
