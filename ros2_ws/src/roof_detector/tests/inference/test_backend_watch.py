# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from roof_detector.inference.backend_watch import BackendWatch
from roof_detector.inference.export.busy_machine import Intake, busy_neighbour
from roof_detector.inference.pass_cost import PassCost
from roof_detector.vision.letterbox import Letterbox

COSTS = {
    'openvino': PassCost(50.0, 90.0, 2, 80.0, 70.0, 1),
    'onnxruntime': PassCost(40.0, 70.0, 2, 150.0, 130.0, 2),
}


def watched(used, *, others, seconds=60, forward_s=0.05, costs=COSTS, watch=None, begin_s=0):
    watch = watch or BackendWatch(used, costs)
    for second in range(begin_s, begin_s + seconds):
        watch.note(forward_s, others=others, now_s=float(second))
    return watch


def test_without_timings_there_is_nothing_to_compare():
    watch = watched('openvino', others=0.0, costs={})
    assert watch.better is None
    assert 'models prepare does that' in watch.advice


def test_the_best_of_each_surroundings_is_named():
    assert watched('openvino', others=0.9).advice == 'openvino is the best beside other processes.'
    alone = watched('openvino', others=0.0)
    assert alone.better == 'onnxruntime'
    assert alone.advice.startswith('onnxruntime would be better now: 0.79 of the cost of openvino')
    assert watched('onnxruntime', others=0.9).better == 'openvino'


def test_a_lead_below_a_tenth_is_none():
    near = {**COSTS, 'onnxruntime': PassCost(47.0, 85.0, 2, 80.0, 70.0, 1)}
    assert watched('openvino', others=0.0, costs=near).better is None


def test_a_moment_of_other_work_changes_nothing_and_a_minute_of_it_does():
    watch = watched('openvino', others=0.0)
    watched('openvino', others=1.0, seconds=2, watch=watch, begin_s=60)
    assert watch.surroundings == 'alone'
    watched('openvino', others=1.0, seconds=60, watch=watch, begin_s=62)
    assert watch.surroundings == 'beside'
    watched('openvino', others=0.4, seconds=60, watch=watch, begin_s=122)
    assert watch.surroundings == 'beside', 'not to and fro'
    watched('openvino', others=0.1, seconds=60, watch=watch, begin_s=182)
    assert watch.surroundings == 'alone'


def test_passes_that_take_longer_than_was_timed_ask_for_another_timing():
    watch = watched('onnxruntime', others=0.0, forward_s=0.2)
    assert watch.advice.startswith('Passes take 5.0 times what roof_detector models prepare')


def test_latency_counts_twice_what_cpu_time_does():
    assert PassCost(8, 1, 1, 8, 1, 1).weighed_ms() == pytest.approx(4)
    assert PassCost(1, 8, 1, 27, 27, 1).weighed_ms('alone') == pytest.approx(2)
    assert PassCost(1, 8, 1, 27, 27, 1).weighed_ms('beside') == pytest.approx(27)


def test_the_work_beside_a_timing_is_real_and_ends_with_it(paint_roof):
    image = paint_roof(1, (64, 64))
    with Intake(image, Letterbox.fit((64, 64))) as intake, busy_neighbour() as busy:
        while not intake.cpu_s:
            assert busy.poll() is None
    assert busy.poll() is not None
