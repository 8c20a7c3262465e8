# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import struct
from dataclasses import replace

from roof_detector.doctor import clock
from roof_detector.doctor.clock import check_clock
from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.graph_watch import ImageTally
from roof_detector.doctor.image_topic import ImageTopic


def topic(age_s):
    return ImageTopic(
        name='/camera/image',
        type_name='sensor_msgs/msg/Image',
        publishers=(),
        reliabilities=(),
        listeners=(),
        received=1,
        rate_hz=0.0,
        largest_bytes=1,
        age_s=age_s,
    )


def test_without_images_the_clock_alone_is_judged():
    (finding,) = check_clock([topic(None)], simulated_time=False)
    assert finding.verdict is Verdict.OK


def test_stamps_of_the_future_fail_and_old_ones_warn():
    assert check_clock([topic(-0.5)], simulated_time=False)[0].verdict is Verdict.FAIL
    assert check_clock([topic(60.0)], simulated_time=False)[0].verdict is Verdict.WARN
    (finding,) = check_clock([topic(0.01), topic(0.2)], simulated_time=False)
    assert finding.verdict is Verdict.OK and '200 ms' in finding.message


def test_stamps_are_not_judged_in_simulated_time():
    (finding,) = check_clock([topic(-1e9)], simulated_time=True)
    assert finding.verdict is Verdict.WARN and '/clock' in finding.message


def test_a_clock_that_was_reset_fails(monkeypatch):
    monkeypatch.setattr(clock.time, 'time', lambda: 0.0)
    (finding,) = check_clock([], simulated_time=False)
    assert finding.verdict is Verdict.FAIL and '1970-01-01' in finding.message


def test_stamps_that_are_no_time_are_said_to_be_none():
    tally = ImageTally('sensor_msgs/msg/Image')
    for seconds in (0, -5, 12_345, 1):
        tally.add(b'\0\1\0\0' + struct.pack('<iI', seconds, 0) + bytes(40))
    tally.add(b'')
    assert (tally.count, tally.unstamped, tally.least_age_s) == (5, 5, None)
    unstamped = replace(topic(None), received=5, unstamped=5)
    (finding,) = check_clock([unstamped], simulated_time=False)
    assert finding.verdict is Verdict.WARN
    assert '5 of 5 images on /camera/image have a stamp that is not a time' in finding.message
