# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.suites.class_measures import Alarms, Touch, area_iou

CRACK = [10, 50, 110, 54]


@pytest.fixture
def image(compared):
    def make(found, true, *, scores=None, size_wh=(200, 100)):
        scores = [0.9] * len(found) if scores is None else scores
        one = compared(found, scores, [0] * len(found), true, [0] * len(true))
        return replace(one, size_wh=size_wh)

    return make


def test_nothing_labelled_and_nothing_found_measures_nothing(image):
    empty = [image([], [])]
    touch = Touch.of(empty, 0, confidence=0.25)
    assert (touch.touched_share, touch.covered_share, touch.predictions) == (None, None, 0)
    assert area_iou(empty, 0, confidence=0.25) is None
    alarms = Alarms.of(empty, 0, confidence=0.25, metres_per_pixel=[0.1])
    assert (alarms.per_image, alarms.per_1000_m2) == (0, 0)


def test_boxes_that_follow_a_crack_cover_its_length_without_any_of_them_fitting(image):
    pieces = [[10, 49, 40, 55], [30, 49, 60, 55], [90, 49, 120, 55]]
    touch = Touch.of([image(pieces, [CRACK])], 0, confidence=0.25)
    assert (touch.touched, touch.stray) == (1, 0)
    assert touch.covered_share == pytest.approx((50 + 20) / 100)


def test_a_box_around_the_whole_image_touches_no_crack_in_it(image):
    touch = Touch.of([image([[0, 0, 200, 100]], [CRACK])], 0, confidence=0.25)
    assert (touch.touched, touch.covered_share, touch.stray) == (0, 0, 1)


def test_only_what_is_reported_counts(image):
    one = image([CRACK, [0, 0, 20, 20]], [CRACK], scores=[0.25, 0.1])
    touch = Touch.of([one], 0, confidence=0.25)
    assert (touch.touched, touch.predictions) == (0, 0)


def test_overlapping_stains_count_their_area_once(image):
    stain = [[0, 0, 40, 40]]
    found = [[0, 0, 40, 20], [0, 0, 40, 20], [0, 10, 40, 30]]
    assert area_iou([image(found, stain)], 0, confidence=0.25) == pytest.approx(30 / 40)
    with_alarm = [image(found, stain), image([[0, 0, 40, 40]], [])]
    assert area_iou(with_alarm, 0, confidence=0.25) == pytest.approx(1200 / (1600 + 1600))


def test_false_alarms_are_counted_on_images_without_an_object_and_by_their_ground(image):
    images = [image([CRACK], [CRACK]), image([CRACK, CRACK], []), image([], [])]
    scales = [0.1, 0.1, 0.1]
    alarms = Alarms.of(images, 0, confidence=0.25, metres_per_pixel=scales)
    assert (alarms.images, alarms.alarms, alarms.per_image) == (2, 2, 1)
    assert alarms.area_m2 == pytest.approx(2 * 20 * 10)
    assert alarms.per_1000_m2 == pytest.approx(1000 * 2 / 400)
    unknown = Alarms.of(images, 0, confidence=0.25, metres_per_pixel=[0.1, None, 0.1])
    assert unknown.per_image == 1
    assert unknown.per_1000_m2 is None


def test_coverage_never_exceeds_a_cracks_length(image):
    rng = np.random.default_rng(4)
    for _ in range(50):
        corners = rng.uniform(0, 100, (6, 2))
        found = np.hstack([corners, corners + rng.uniform(1, 60, (6, 2))])
        share = Touch.of([image(found, [CRACK])], 0, confidence=0.25).covered_share
        assert 0 <= share <= 1
