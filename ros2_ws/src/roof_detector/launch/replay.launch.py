# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A recorded flight that is played to a detector.

    ros2 launch roof_detector replay.launch.py bag:=/data/bags/flight_1 image:=/camera/image

The bag needs images (record with source_images:=true). The detector topics of the bag are not
played, so these topics carry the new results only. All arguments of detector.launch.py are
available, too. To keep the results, run beside it:

    ros2 launch roof_detector record.launch.py record:=true use_sim_time:=true

The playback starts when the detector subscribes, however long its model takes to load.

Results that repeat exactly, with every frame, come from "roof_detector detect BAG" instead.
Without ros2 bag, start the detector with use_sim_time and run: roof_detector play BAG
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from launch.actions import EmitEvent, ExecuteProcess, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown

from roof_detector.launching.descriptions import COMMON, describe, environment, start_node
from roof_detector.launching.jobs import (
    IMAGE,
    IMAGE_COMPRESSED,
    REPLAYED_DETECTOR,
    image_remappings,
)
from roof_detector.launching.node_job import USE_SIM_TIME
from roof_detector.launching.playback import PLAYBACK_ARGUMENTS, play_command, wait_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
    from launch.events.process import ProcessExited


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
    play, wait = (
        ExecuteProcess(cmd=words, name=name, output='screen', additional_env=environment(context))
        for name, words in (
            ('play', play_command(given)),
            ('wait', wait_command(REPLAYED_DETECTOR.full_name(given), given)),
        )
    )

    def play_or_shut_down(event: ProcessExited, _: LaunchContext) -> list[LaunchDescriptionEntity]:
        if event.returncode == 0:
            return [play]
        return [EmitEvent(event=Shutdown(reason='the detector does not subscribe to images'))]

    remappings = image_remappings(REPLAYED_DETECTOR, given)
    return [
        *start_node(context, REPLAYED_DETECTOR, given, remappings=remappings),
        RegisterEventHandler(OnProcessExit(target_action=wait, on_exit=play_or_shut_down)),
        wait,
    ]
