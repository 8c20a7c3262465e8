# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that this computer and the cameras have the same time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.doctor.image_topic import ImageTopic

_SUBJECT = 'clock'
_FUTURE_S = 0.05  # the most that two synchronised clocks may differ
_OLD_S = 2.0
_SYNCHRONISE = 'chronyc tracking  # on both computers; sudo chronyc makestep sets them'


def check_clock(topics: Sequence[ImageTopic], *, simulated_time: bool) -> list[Finding]:
    """Compare the clock with the package's files and with the stamps of received images."""
    installed_at = Path(__file__).stat().st_mtime
    now = time.time()
    summary = time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(now))
    if now < installed_at - 86_400:
        return [
            fail(
                _SUBJECT,
                f'It cannot be {summary}: this program was installed later. Stamps and names of '
                'bags would be wrong.',
                "sudo date -s 'YYYY-MM-DD HH:MM:SS'",
            )
        ]
    if simulated_time:
        return [
            warn(
                _SUBJECT,
                'A node publishes /clock: the age of stamps is not checked.',
                'ros2 topic info -v /clock',
            )
        ]
    ages = {topic.name: topic.age_s for topic in topics if topic.age_s is not None}
    for name, age_s in ages.items():
        if age_s < -_FUTURE_S:
            return [
                fail(
                    _SUBJECT,
                    f'Images on {name} are stamped {-age_s:.2f} s in the future.',
                    _SYNCHRONISE,
                )
            ]
        if age_s > _OLD_S:
            return [
                warn(
                    _SUBJECT,
                    f'Images on {name} are {age_s:.1f} s old when they arrive: the clocks differ, '
                    'or a recording is played with its old stamps.',
                    _SYNCHRONISE,
                )
            ]
    for topic in topics:
        if topic.unstamped:
            return [
                warn(
                    _SUBJECT,
                    f'{topic.unstamped} of {topic.received} images on {topic.name} have a stamp '
                    'that is not a time (never set, negative, or counted from a start): their age '
                    'is unknown, and max_age_s drops them.',
                    "check the stamp settings of the camera's driver",
                )
            ]
    if ages:
        oldest = max(ages.values())
        summary = f'{summary}; images are at most {oldest * 1e3:.0f} ms old when they arrive'
    return [ok(_SUBJECT, f'{summary}.')]
