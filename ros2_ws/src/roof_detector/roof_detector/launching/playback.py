# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The commands with which a launch file plays a bag."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.errors import LaunchError
from roof_detector.ros.common.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.ros.common.parameters import Value

BAG = Argument('bag', None, 'rosbag2 folder or .mcap file with an image topic.')
EXCLUDE = Argument(
    'exclude',
    '.*/detector/.*|/diagnostics|/parameter_events',
    'Regular expression of the topics that are not played.',
)
RATE = Parameter(
    'rate',
    1.0,
    'Speed of the playback; 1.0 is real time.',
    minimum=0.01,
    maximum=100.0,
)
LOOP = Parameter('loop', default=False, description='Start again at the end of the bag.')
DELAY = Parameter(
    'delay',
    1.0,
    'Seconds from the moment that the detector subscribes to the first message, so that '
    'discovery can finish.',
    minimum=0.0,
    maximum=3600.0,
)
PATIENCE = Parameter(
    'patience',
    120.0,
    'Longest wait in seconds for the detector to subscribe; then nothing is played.',
    minimum=1.0,
    maximum=3600.0,
)
PLAYBACK_ARGUMENTS = (BAG, *(Argument.of(one) for one in (RATE, LOOP, DELAY, PATIENCE)), EXCLUDE)


def play_command(given: Mapping[str, str]) -> list[str]:
    """Return the command that plays a bag; raise LaunchError for an invalid bag or value.

    `ros2 bag play` repeats its delay before each round of a loop, so a loop has no delay: what
    the first round loses at the beginning comes again.
    """
    bag = Path(given[BAG.name]).expanduser()
    if not bag.exists():
        msg = f'bag is {bag}, and there is no such file or folder.'
        raise LaunchError(msg)
    exclude = given.get(EXCLUDE.name, str(EXCLUDE.default))
    try:
        re.compile(exclude)
    except re.error as error:
        msg = f'exclude is {exclude!r}, which is not a regular expression: {error}.'
        raise LaunchError(msg) from error
    words = ['ros2', 'bag', 'play', '--clock', '100', '--disable-keyboard-controls']
    words += ['--rate', str(_number(RATE, given))]
    if value_of(LOOP, given.get(LOOP.name, 'false')):
        words.append('--loop')
    else:
        words += ['--delay', str(_number(DELAY, given))]
    if exclude:
        words += ['--exclude-regex', exclude]
    return [*words, str(bag)]


def wait_command(listener: str, given: Mapping[str, str]) -> list[str]:
    """Return the command that waits until a node such as /drone1/detector subscribes to images."""
    module = 'roof_detector.ros.common.listener_wait'
    return [sys.executable, '-m', module, listener, str(_number(PATIENCE, given))]


def _number(parameter: Parameter, given: Mapping[str, str]) -> Value:
    return value_of(parameter, given.get(parameter.name, str(parameter.default)))
