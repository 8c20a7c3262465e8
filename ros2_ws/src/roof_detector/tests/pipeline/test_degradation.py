# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from roof_detector.pipeline.degradation import STEPS, Degradation, ResultAges
from roof_detector.supervision.throttling import Throttling

LIMIT_S = 0.5


class Flight:
    """Results at 10 Hz on a clock of its own, half a second at a time."""

    def __init__(self, available=STEPS):
        self.degradation = Degradation()
        self.available = available
        self.now_s = 0.0
        self.history = []

    def fly(self, seconds, *, age_s=None, too_old=0, throttled=False, limit_s=LIMIT_S):
        """Fly with results of this age, or of `age_s(steps)`."""
        for _ in range(round(seconds * 2)):
            self.now_s += 0.5
            age = age_s(self.degradation.steps) if callable(age_s) else age_s
            heard = ResultAges(ages_s=() if age is None else [age] * 5, too_old=too_old)
            if self.degradation.update(
                heard,
                now_s=self.now_s,
                limit_s=limit_s,
                throttled=throttled,
                available=self.available,
            ):
                self.history.append((self.now_s, self.degradation.steps))
        return self.degradation.steps


def test_without_results_nothing_is_given_up():
    assert Flight().fly(60) == ()


def test_young_results_and_results_without_a_limit_change_nothing():
    assert Flight().fly(60, age_s=0.3) == ()
    assert Flight().fly(60, age_s=9.0, limit_s=0.0) == ()


def test_steps_are_taken_one_by_one_in_their_order_with_the_reason():
    flight = Flight()
    flight.fly(30, age_s=0.8)
    assert [steps for _, steps in flight.history] == [STEPS[: n + 1] for n in range(len(STEPS))]
    moments = [moment for moment, _ in flight.history]
    assert min(np.diff(moments)) >= 2.0, 'each step is judged before the next'
    assert flight.degradation.reason == 'results were 0.80 s old, the limit is 0.5 s'
    assert flight.degradation.sentence.startswith(
        'Quality is reduced (fewer annotated images, one tile a frame, a smaller input, the '
        'lighter model, every second frame): results were'
    )


def test_a_step_that_changes_nothing_is_left_out():
    assert Flight(available=('input', 'thinning')).fly(30, age_s=0.8) == ('input', 'thinning')
    assert Flight(available=()).fly(30, age_s=0.8) == ()


def test_it_stops_at_the_step_that_is_enough():
    flight = Flight()
    assert flight.fly(60, age_s=lambda steps: 0.8 if len(steps) < 3 else 0.4) == STEPS[:3]


def test_a_single_old_result_and_a_single_dropped_frame_are_no_overload():
    flight = Flight()
    flight.fly(0.5, age_s=3.0)
    assert flight.fly(5, age_s=0.2) == ()
    assert flight.history == []
    assert Flight().fly(0.5, too_old=1) == ()


def test_frames_that_are_dropped_as_too_old_count_as_old_results():
    flight = Flight()
    assert flight.fly(4, too_old=5)[:1] == ('annotations',)
    assert flight.degradation.reason == 'all frames were too old, the limit is 0.5 s'


def test_what_was_given_up_comes_back_last_first_once_results_are_young():
    flight = Flight()
    assert flight.fly(8, age_s=0.8) == STEPS[:3]
    assert flight.fly(30, age_s=0.4) == STEPS[:3], 'not yet young enough'
    assert flight.fly(5, age_s=0.1) == STEPS[:3], 'nor for long enough'
    flight.history.clear()
    assert flight.fly(60, age_s=0.1) == ()
    assert [steps for _, steps in flight.history] == [STEPS[:2], STEPS[:1], ()]
    assert flight.degradation.sentence == ''


def test_a_step_back_that_is_regretted_makes_the_next_wait_longer():
    flight = Flight()
    flight.fly(1200, age_s=lambda steps: 0.2 if 'annotations' in steps else 0.8)
    moments = [moment for moment, steps in flight.history if not steps]
    waits = np.diff(moments)
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[0] < 30 < 150 < waits[-1]


def test_heat_gives_up_more_slowly_and_without_a_limit_too():
    flight = Flight()
    assert flight.fly(25, age_s=0.1, throttled=True, limit_s=0.0) == STEPS[:2]
    assert 'slowed down for heat' in flight.degradation.sentence
    assert flight.fly(60, age_s=0.1, limit_s=0.0) == ()


def test_a_machine_that_tells_nothing_of_heat_is_never_throttled(tmp_path):
    assert not Throttling(tmp_path).is_on()


@pytest.mark.parametrize('kind', ['Processor', 'cpufreq-cpu0'])
def test_a_cooling_device_of_the_cpu_that_is_on_throttles(tmp_path, kind):
    device = tmp_path / 'class/thermal/cooling_device0'
    fan = tmp_path / 'class/thermal/cooling_device1'
    for folder, name, state in ((device, kind, 0), (fan, 'pwm-fan', 3)):
        folder.mkdir(parents=True)
        (folder / 'type').write_text(name + '\n')
        (folder / 'cur_state').write_text(f'{state}\n')
    throttling = Throttling(tmp_path)
    assert not throttling.is_on()
    (device / 'cur_state').write_text('2\n')
    assert throttling.is_on()
    (device / 'cur_state').write_text('?\n')
    assert not throttling.is_on()


def test_a_counter_of_throttling_that_grows_throttles_for_some_seconds(tmp_path):
    now_s = [0.0]
    counter = tmp_path / 'devices/system/cpu/cpu0/thermal_throttle/core_throttle_count'
    counter.parent.mkdir(parents=True)
    counter.write_text('7\n')
    throttling = Throttling(tmp_path, clock=lambda: now_s[0])
    assert not throttling.is_on()
    counter.write_text('8\n')
    assert throttling.is_on()
    now_s[0] = 4.0
    assert throttling.is_on()
    now_s[0] = 6.0
    assert not throttling.is_on()
