# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Launch descriptions of our nodes; the part that needs the `launch` package."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnShutdown
from launch_ros.actions import Node

from roof_detector.launching.argument import Argument, refuse_unknown, value_of
from roof_detector.launching.node_job import (
    LOG_LEVEL,
    NAMESPACE,
    RESPAWN,
    USE_SIM_TIME,
    NodeJob,
    profile_name,
    write_parameters,
)

if TYPE_CHECKING:
    from launch.events.process import ProcessExited

COMMON = (NAMESPACE, *(Argument.of(one) for one in (LOG_LEVEL, USE_SIM_TIME, RESPAWN)))
_RESPAWN_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0
_SOON_S = 10.0
_FASTDDS = 'FASTRTPS_DEFAULT_PROFILES_FILE'

Starter = Callable[[LaunchContext, Mapping[str, str]], Sequence[LaunchDescriptionEntity]]


def describe(file: str, arguments: Sequence[Argument], start: Starter) -> LaunchDescription:
    """Return a launch description in which every given argument has an effect or is refused.

    `start` gets the given arguments only: the defaults are those of the nodes. launch prints the
    messages of its errors. `file` is the launch file.
    """
    given: dict[str, str] = {}

    def note_given(context: LaunchContext) -> None:
        # Before its declaration an argument has a value only if it was given.
        names = [argument.name for argument in arguments]
        if Path(file).name in (Path(word).name for word in sys.argv):
            # This file was started directly, not included by a file with other arguments.
            words = [word for word in context.argv if ':=' in word]
            refuse_unknown([word.partition(':=')[0] for word in words], names)
        values = context.launch_configurations
        given.update({name: values[name] for name in names if name in values})

    return LaunchDescription(
        [
            GroupAction(
                [
                    OpaqueFunction(function=note_given),
                    *(
                        DeclareLaunchArgument(
                            one.name, default_value=one.default, description=one.description
                        )
                        for one in arguments
                    ),
                    OpaqueFunction(function=lambda context: list(start(context, given))),
                ]
            )
        ]
    )


def describe_node(file: str, job: NodeJob) -> LaunchDescription:
    """Return the launch description of one node."""
    return describe(
        file,
        [*COMMON, *job.arguments()],
        lambda context, given: start_node(context, job, given),
    )


def start_node(
    context: LaunchContext,
    job: NodeJob,
    given: Mapping[str, str],
    *,
    remappings: Sequence[tuple[str, str]] = (),
) -> list[LaunchDescriptionEntity]:
    """Return the entities that start a node; raise LaunchError for invalid arguments."""
    log_level = value_of(LOG_LEVEL, given.get(LOG_LEVEL.name, 'info'))
    is_respawned = bool(value_of(RESPAWN, given.get(RESPAWN.name, 'true')))
    parameters = write_parameters(job.parameters(given))

    def node() -> Node:
        return Node(
            package='roof_detector',
            executable=job.name,
            namespace=given.get(NAMESPACE.name, ''),
            parameters=[str(parameters)],
            remappings=list(remappings),
            ros_arguments=['--log-level', str(log_level), '--enclave', job.enclave],
            output='screen',
            sigterm_timeout=str(job.finish_s),
            additional_env=environment(context),
        )

    remove = OnShutdown(on_shutdown=lambda *_: parameters.unlink(missing_ok=True))
    started = _Respawn(node).started() if is_respawned else [node()]
    return [RegisterEventHandler(remove), *started]


class _Respawn:
    """A process that is restarted when it ends with an exit code other than 0.

    launch's own `respawn` also restarts a process that ended normally, such as a camera after its
    last frame. The delay grows for a process that ends soon after its start, as with a model that
    does not exist.
    """

    def __init__(self, make: Callable[[], Node]) -> None:
        self._make = make
        self._delay_s = _RESPAWN_DELAY_S
        self._started_at_s = 0.0

    def started(self) -> list[LaunchDescriptionEntity]:
        """Return the entities that start the process and handle its exit."""
        self._started_at_s = time.monotonic()
        node = self._make()
        handler = OnProcessExit(target_action=node, on_exit=self._on_exit)
        return [RegisterEventHandler(handler), node]

    def _on_exit(
        self, event: ProcessExited, context: LaunchContext
    ) -> list[LaunchDescriptionEntity]:
        if event.returncode == 0 or context.is_shutdown:
            return []
        is_soon = time.monotonic() - self._started_at_s < _SOON_S
        delay_s = self._delay_s if is_soon else _RESPAWN_DELAY_S
        self._delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        restart = OpaqueFunction(function=lambda _: self.started())
        return [
            LogInfo(msg=f'{event.process_name} restarts in {delay_s:g} s.'),
            TimerAction(period=delay_s, actions=[restart]),
        ]


def environment(context: LaunchContext) -> dict[str, str]:
    """Return the environment variables that our processes need and that are not set."""
    profile = profile_name(context.environment)
    profiles = Path(get_package_share_directory('roof_detector'), 'config', profile)
    needed = {_FASTDDS: str(profiles), 'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp'}
    return {name: value for name, value in needed.items() if name not in context.environment}
