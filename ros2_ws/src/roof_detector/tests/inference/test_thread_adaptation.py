# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.inference.machine_load import MachineLoad, busy_seconds
from roof_detector.inference.thread_adaptation import ThreadAdaptation, adaptive_numbers

ALONE = {1: 0.100, 2: 0.060}
BESIDE = {1: 0.110, 2: 0.400}


class Machine:
    """Passes of a network on a machine whose load changes, on a clock of its own."""

    def __init__(self, numbers=(1, 2), *, start=None):
        self.adaptation = ThreadAdaptation(numbers, start=start)
        self.now_s = 0.0
        self.used = []

    def run(self, passes, times_s, *, others=0.0, noise=0.0, seed=1):
        random = np.random.default_rng(seed)
        for _ in range(passes):
            threads = self.adaptation.threads
            taken_s = times_s[threads] * (1 + noise * random.normal())
            self.used.append(threads)
            self.now_s += max(taken_s, 1e-4)
            self.adaptation.note(taken_s, others=others, now_s=self.now_s)
        return self.adaptation.present

    def share(self, threads, *, last):
        return self.used[-last:].count(threads) / last


def test_a_single_core_leaves_nothing_to_choose():
    assert adaptive_numbers(1) == (1,)
    machine = Machine((1,))
    assert machine.run(50, {1: 0.1}) == 1
    assert not machine.adaptation.switches


@pytest.mark.parametrize(('cores', 'numbers'), [(2, (1, 2)), (6, (1, 3, 6)), (12, (1, 6, 12))])
def test_one_half_and_all_cores_are_chosen_from(cores, numbers):
    assert adaptive_numbers(cores) == numbers


def test_it_begins_with_what_was_found_best_before():
    assert ThreadAdaptation((1, 2), start=1).threads == 1
    assert ThreadAdaptation((1, 2), start=7).threads == 2
    assert ThreadAdaptation((1, 2)).threads == 2


def test_a_quiet_machine_keeps_or_takes_all_cores():
    for start in (1, 2):
        machine = Machine(start=start)
        assert machine.run(100, ALONE) == 2
    assert machine.adaptation.reason.startswith('1 thread took 1.67 of the time of 2 threads')


def test_a_busy_neighbour_brings_it_down_to_one_thread_within_seconds_and_back_when_it_ends():
    machine = Machine()
    assert machine.run(100, ALONE) == 2
    assert machine.run(40, BESIDE, others=0.9) == 1
    assert machine.run(100, BESIDE, others=0.9) == 1
    assert machine.share(1, last=100) > 0.85
    assert machine.run(60, ALONE, others=0.0) == 2


def test_one_thread_is_kept_where_more_gain_less_than_a_fifth():
    assert Machine(start=1).run(400, {1: 0.100, 2: 0.088}) == 1
    assert Machine(start=2).run(400, {1: 0.100, 2: 0.088}) == 2, 'nor is it changed to'
    assert Machine(start=2).run(400, {1: 0.100, 2: 0.097}) == 1


@pytest.mark.parametrize('seed', range(5))
def test_noise_between_two_equal_numbers_makes_no_flutter(seed):
    machine = Machine()
    machine.run(6000, {1: 0.100, 2: 0.090}, noise=0.15, seed=seed)
    assert machine.adaptation.switches <= 10, 'at most once a minute'


def test_trials_of_what_stays_worse_grow_rare():
    machine = Machine()
    machine.run(6000, BESIDE, others=0.9)
    assert machine.share(2, last=3000) < 0.01
    assert machine.share(1, last=5) == 1.0


def test_a_hopeless_candidate_costs_three_passes():
    machine = Machine(start=1)
    machine.run(8, BESIDE)
    assert machine.adaptation.is_trying
    machine.run(3, BESIDE)
    assert machine.used[-3:] == [2] * 3
    assert not machine.adaptation.is_trying


def test_of_many_cores_half_is_a_step_on_the_way():
    times_s = {1: 0.3, 4: 0.09, 8: 0.2}
    machine = Machine((1, 4, 8))
    assert machine.run(300, times_s, others=3.0) == 4
    assert machine.run(300, {1: 0.1, 4: 0.5, 8: 0.9}, others=7.0) == 1
    assert machine.run(900, {1: 0.3, 4: 0.09, 8: 0.05}, others=0.0) == 8


def test_cores_of_others_are_counted_without_our_own(tmp_path):
    stat, now_s, own_s = tmp_path / 'stat', [100.0], [10.0]
    tick = os.sysconf('SC_CLK_TCK')
    core = min(os.sched_getaffinity(0))

    def write(busy_s):
        ticks = int(busy_s * tick)
        stat.write_text(f'cpu  1 1 1 1 1 1 1\ncpu{core} {ticks} 0 0 999 9 0 0 0 0 0\nintr 1\n')

    write(0)
    load = MachineLoad(stat=stat, clock=lambda: now_s[0], own_clock=lambda: own_s[0])
    assert load.measure() is None
    write(3)
    now_s[0] += 2.0
    own_s[0] += 1.0
    assert load.measure() == pytest.approx(1.0)
    stat.unlink()
    now_s[0] += 2.0
    assert load.measure() == pytest.approx(1.0), 'what was known last'
    assert busy_seconds('', {0}) is None
    assert busy_seconds('cpu0 1 2', {0}) is None


@pytest.fixture
def neighbour():
    """Keep one core busy from another process."""
    busy = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
    yield
    busy.kill()
    busy.wait()


def test_a_busy_process_is_seen(neighbour):
    load, end_s = MachineLoad(), time.monotonic() + 60
    while not load.measure():  # it starts, and a second passes
        assert time.monotonic() < end_s
    while load.measure() < 0.3:
        assert time.monotonic() < end_s


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime', 'torch'])
def test_a_detector_changes_its_threads_between_two_frames_and_finds_the_same(
    detect_pt, roof_bgr, neighbour, backend
):
    """Real passes beside a real busy process, whatever is best there at this moment."""
    options = {'device': 'cpu', 'backend': backend, 'image_size': 160}
    with Detector.open(detect_pt, adapts_threads=True, **options) as detector:
        adaptation = detector.adaptation
        detector.adaptation = ThreadAdaptation((1, 2))
        if adaptation.numbers == (1,):
            pytest.skip('a machine of one core')
        detector.warm_up()
        preprocessed, used, outputs = detector.preprocess(roof_bgr), set(), []
        end_s = time.monotonic() + 300
        while detector.adaptation.reason == 'not tried yet':
            assert time.monotonic() < end_s
            used.add(detector.threads)
            (output,) = detector.infer(preprocessed)
            outputs.append(output.raw.predictions)
            detector.adapt(output.forward_s)
        assert used == {1, 2}
        assert detector.threads == detector.adaptation.present
        assert all(np.allclose(one, outputs[0], atol=1e-3) for one in outputs)
    with Detector.open(detect_pt, adapts_threads=True, threads=1, **options) as detector:
        assert (detector.threads, detector.adaptation) == (1, None), 'a wish stays'
