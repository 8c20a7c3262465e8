# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The rule of OK, rates and throttled words."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from roof_detector.supervision.health import Delivery, Health, Level, health
from roof_detector.supervision.rate import FAULT_S, Arrivals, Growth, RecentFaults, rate_hz
from roof_detector.supervision.throttle import Throttle, cause_of


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def test_nothing_has_arrived_is_not_ok():
    assert health(working='Fine.', has_arrived=False).level is Level.WARN


seconds = st.floats(0, 1e6)


@given(
    silent_s=seconds,
    usual_s=seconds,
    has_arrived=st.booleans(),
    pause=st.sampled_from(['', 'Paused.']),
    faults=st.lists(st.sampled_from(list(Level)), max_size=3),
)
def test_ok_only_if_what_was_asked_for_came_in_the_last_seconds(
    silent_s, usual_s, has_arrived, pause, faults
):
    verdict = health(
        working='Fine.',
        faults=[Health(level, level.name) for level in faults],
        missing=[Delivery('Nothing', silent_s, usual_s)],
        has_arrived=has_arrived,
        pause=pause,
    )
    fresh = silent_s <= max(2.0, 3 * usual_s)
    is_ok = fresh and has_arrived and not pause and not any(faults)
    assert (verdict.level is Level.OK) == (is_ok and 'OK' not in verdict.message) or (
        verdict.message == 'OK'
    )
    assert verdict.level >= max(faults, default=Level.OK)


def test_what_is_missing_for_long_is_an_error_and_says_for_how_long():
    missing = [Delivery('No image', 7.25)]
    assert health(working='Fine.', missing=missing, has_arrived=True) == Health(
        Level.ERROR, 'No image for 7.2 s.'
    )


def test_a_rate_falls_to_nothing_when_nothing_comes():
    moments_s = [100 + 0.1 * k for k in range(50)]
    now_s = moments_s[-1]
    rates = [rate_hz(moments_s, now_s=now_s + 0.1 * k) for k in range(80)]
    assert abs(rates[0] - 10.0) < 1e-6
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(rates))
    assert rates[20] < 8
    assert rates[-1] == 0


@given(st.lists(st.floats(0, 100), max_size=50), st.floats(0, 200))
def test_a_rate_is_never_negative_or_endless(moments_s, later_s):
    moments_s = sorted(moments_s)
    now_s = (moments_s[-1] if moments_s else 0.0) + later_s
    assert 0 <= rate_hz(moments_s, now_s=now_s) <= 1e6 * max(len(moments_s), 1)


def test_arrivals_know_how_long_nothing_has_come_and_what_is_usual():
    clock = Clock()
    arrivals = Arrivals(clock=clock)
    clock.now_s += 3
    assert (arrivals.silent_s, arrivals.usual_s, arrivals.rate_hz) == (3, 0, 0)
    for _ in range(5):
        clock.now_s += 4
        arrivals.note()
    assert (arrivals.silent_s, arrivals.usual_s) == (0, 4)


def test_a_passing_fault_is_recent_for_a_while_and_counted_for_ever():
    clock = Clock()
    faults = RecentFaults(clock=clock)
    faults.note('decoding')
    assert faults.recent() == {'decoding': 1}
    clock.now_s += FAULT_S + 1
    assert faults.recent() == {}
    assert faults.totals == {'decoding': 1}


def test_growth_is_recent_and_a_count_that_begins_again_is_none():
    clock = Clock()
    growth = Growth(clock=clock)
    assert not growth.is_recent(0)
    assert growth.is_recent(3)
    clock.now_s += FAULT_S + 1
    assert not growth.is_recent(3)
    assert not growth.is_recent(1)
    assert growth.is_recent(2)


def test_one_cause_does_not_silence_another_and_says_how_often_it_was_not_said():
    clock, said = Clock(), []
    say = Throttle(said.append, clock=clock)
    for number in range(3):
        say(cause_of(f'Frame {number} is cut off.'), f'Frame {number} is cut off.')
    say('encoding', 'An encoding is unknown.')
    assert said == ['Frame 0 is cut off.', 'An encoding is unknown.']
    clock.now_s += 6
    say(cause_of('Frame 9 is cut off.'), 'Frame 9 is cut off.')
    assert said[2:] == ['Frame 9 is cut off. (2 more of the kind since.)']


def test_many_causes_take_bounded_memory():
    say = Throttle(lambda _: None)
    for number in range(10_000):
        say(str(number), '')
    assert len(say._causes) <= 201
