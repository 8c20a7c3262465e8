# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was confused, missed and made up, and how sure the model was of it."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.bootstrap import interval, resample_map50
from training.evaluation.calibration import Calibration
from training.evaluation.confusion import Confusion
from training.evaluation.metrics import measure
from training.evaluation.mistake import false_alarms, misses

NAMES = ('equip', 'drain')
BOX = np.array([100.0, 100.0, 140.0, 140.0])
NOTHING = ([], [], [], [], [])


def test_images_with_nothing_in_them_hold_no_mistake(compared):
    images = [compared(*NOTHING)]
    assert not Confusion.of(images, NAMES, confidence=0.25).counts.any()
    assert misses(images, NAMES, confidence=0.25) == []
    assert false_alarms(images, NAMES, confidence=0.25) == []
    metrics = measure(images, NAMES, confidence=0.25)
    assert Calibration.of(metrics.rankings, confidence=0.25).error is None
    assert interval(resample_map50(metrics.rankings, resamples=20)) is None


def test_confusion_counts_each_thing_once_with_background_for_the_rest(compared):
    far = BOX + 200
    images = [
        compared([BOX, far], [0.9, 0.8], [1, 0], [BOX, BOX + 60], [0, 1]),
        compared([BOX, BOX], [0.9, 0.2], [0, 0], [BOX], [0]),
    ]
    counts = Confusion.of(images, NAMES, confidence=0.25).counts
    # rows: is equip, is drain, is background; columns: found as equip, as drain, not found
    assert counts.tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_a_thing_of_the_right_class_is_paired_before_a_surer_one_of_another(compared):
    image = compared([BOX, BOX + 4], [0.9, 0.5], [1, 0], [BOX], [0])
    counts = Confusion.of([image], NAMES, confidence=0.25).counts
    assert counts.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ('found', 'cause'),
    [
        (([], [], []), 'not seen'),
        (([BOX], [0.12], [0]), 'seen, but scored 0.12'),
        (([BOX], [0.8], [1]), 'taken for drain 0.80'),
        (([BOX + 20], [0.8], [0]), 'box fits badly, IoU 0.14'),
    ],
    ids=['nothing', 'low score', 'other class', 'loose box'],
)
def test_a_miss_says_its_cause(compared, found, cause):
    (miss,) = misses([compared(*found, [BOX], [0])], NAMES, confidence=0.25)
    assert (miss.name, miss.cause, miss.score) == ('equip', cause, None)


@pytest.mark.parametrize(
    ('true', 'cause'),
    [
        (([], []), 'nothing labelled'),
        (([BOX], [1]), 'is drain'),
        (([BOX + 20], [0]), 'box fits badly, IoU 0.14'),
        (([[0, 0, 300, 300]], [0]), 'part of a larger equip'),
    ],
    ids=['nothing', 'other class', 'loose box', 'part'],
)
def test_a_false_alarm_says_its_cause(compared, true, cause):
    (alarm,) = false_alarms([compared([BOX], [0.75], [0], *true)], NAMES, confidence=0.25)
    assert (alarm.name, alarm.cause, alarm.score) == ('equip', cause, 0.75)


def test_a_second_box_on_one_thing_is_a_false_alarm(compared):
    image = compared([BOX, BOX + 2], [0.9, 0.6], [0, 0], [BOX], [0])
    (alarm,) = false_alarms([image], NAMES, confidence=0.25)
    assert alarm.cause == 'second box on one object'


def test_misses_come_by_size_and_false_alarms_by_score(compared):
    small, large = [0, 0, 10, 10], [50, 50, 150, 90]
    images = [
        compared([small], [0.5], [0], [small], [1]),
        compared([large], [0.9], [0], [large], [1]),
    ]
    assert [m.longest_side for m in misses(images, NAMES, confidence=0.25)] == [100, 10]
    alarms = false_alarms(images, NAMES, confidence=0.25)
    assert [alarm.score for alarm in alarms] == pytest.approx([0.9, 0.5])


def test_a_model_as_right_as_sure_is_calibrated(compared):
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(10)]
    image = compared(boxes, [0.8] * 10, [0] * 10, boxes[:8], [0] * 8)
    metrics = measure([image], NAMES, confidence=0.25)
    assert Calibration.of(metrics.rankings, confidence=0.25).error == pytest.approx(0, abs=1e-6)
    sure = compared(boxes, [0.99] * 10, [0] * 10, boxes[:4], [0] * 4)
    metrics = measure([sure], NAMES, confidence=0.25)
    assert Calibration.of(metrics.rankings, confidence=0.25).error == pytest.approx(0.59)


def test_redrawn_images_that_are_all_alike_leave_nothing_open(compared):
    alike = [compared([BOX], [0.9], [0], [BOX, BOX + 80], [0, 0])] * 5
    rankings = measure(alike, NAMES, confidence=0.25).rankings
    low, high = interval(resample_map50(rankings, resamples=50))
    assert low == high == measure(alike, NAMES, confidence=0.25).map50


def test_fewer_images_leave_more_open(compared):
    right = compared([BOX], [0.9], [0], [BOX], [0])
    wrong = compared([BOX + 90], [0.9], [0], [BOX], [0])
    widths = []
    for count in (4, 64):
        rankings = measure([right, wrong] * (count // 2), NAMES, confidence=0.25).rankings
        low, high = interval(resample_map50(rankings, resamples=200))
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 0
