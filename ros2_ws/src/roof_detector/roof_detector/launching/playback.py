# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a launch file plays a bag with `ros2 bag`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.errors import LaunchError
from roof_detector.ros.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

BAG = Argument('bag', None, 'rosbag2 folder or .mcap file with an image topic.')
EXCLUDE = Argument(
    'exclude',
    '.*/detector/.*|/diagnostics|/parameter_events',
    'Regular expression of the topics that are not played.',
)
RATE = Parameter(
    'rate',
    1.0,
    'Speed of the playback, 1.0 as it was flown.',
    minimum=0.01,
    maximum=100.0,
)
LOOP = Parameter('loop', default=False, description='Begin again at the end of the bag.')
DELAY = Parameter(
    'delay',
    10.0,
    'Seconds before the playback, for the detector to load its model.',
    minimum=0.0,
    maximum=3600.0,
)
PLAYBACK_ARGUMENTS = (BAG, *(Argument.of(one) for one in (RATE, LOOP, DELAY)), EXCLUDE)


def play_command(given: Mapping[str, str]) -> list[str]:
    """Return the words that play a bag; raise LaunchError for a bag or value that cannot be."""
    bag = Path(given[BAG.name]).expanduser()
    if not bag.exists():
        msg = f'bag is {bag}, and there is no such file or folder.'
        raise LaunchError(msg)
    exclude = given.get(EXCLUDE.name, str(EXCLUDE.default))
    try:
        re.compile(exclude)
    except re.error as error:
        msg = f'exclude is {exclude!r}, which is no regular expression: {error}.'
        raise LaunchError(msg) from error
    words = ['ros2', 'bag', 'play', '--clock', '100', '--disable-keyboard-controls']
    words += ['--rate', str(value_of(RATE, given.get(RATE.name, str(RATE.default))))]
    if value_of(LOOP, given.get(LOOP.name, 'false')):
        words.append('--loop')
    if exclude:
        words += ['--exclude-regex', exclude]
    return [*words, str(bag)]


def delay_s(given: Mapping[str, str]) -> float:
    """Return how long the playback waits."""
    return float(str(value_of(DELAY, given.get(DELAY.name, str(DELAY.default)))))
