# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roof_detector.inference.package.class_facts import read_class_facts
from training.evaluation.operating_point import OperatingPoint
from training.suites import read_suite
from training.suites.calibration_fit import fit, isotonic
from training.suites.class_measures import Alarms, Touch
from training.suites.suite_facts import class_facts
from training.suites.suite_rows import ClassRow, SuiteResult

ROW = ClassRow(
    set_name='sand', role='validate', shown='whole', is_first=True, class_name='crack', images=9,
    metres_per_pixel=0.002, ap50=0.5, ap50_interval=None,
    at=OperatingPoint(confidence=0.25, right=30, wrong=0, missed=10),
    touch=Touch(objects=40, touched=30), area_iou=None, alarms=Alarms(images=2, alarms=1),
    scores=np.zeros(0), hits=np.zeros(0, bool), image_ids=np.zeros(0, int),
)  # fmt: skip


def overconfident(count, *, seed=1):
    """Return a row of detections of which half as many are right as their confidence says."""
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.uniform(0.05, 1, count))[::-1]
    hits = rng.uniform(size=count) < scores / 2
    return replace(ROW, scores=scores, hits=hits, image_ids=rng.integers(0, 9, count))


def result_of(*rows):
    return SuiteResult(
        model='m', sha256='0' * 64, names=('crack', 'drain'), how='', rows=rows, left_out={},
        suite=read_suite('real.yaml'),
    )  # fmt: skip


def test_few_detections_are_not_calibrated():
    assert fit([]) is None
    assert fit([ROW]) is None
    assert fit([overconfident(30)]) is None


def test_only_sets_that_choose_models_are_fitted_on():
    row = overconfident(2000)
    assert fit([row]) is not None
    for role in ('train', 'evaluate'):
        assert fit([replace(row, role=role)]) is None


def test_a_calibrated_confidence_is_the_share_that_is_right():
    fitted = fit([overconfident(4000)])
    assert fitted.before > 0.2
    assert fitted.after < 0.04
    curve = np.array(fitted.curve)
    assert np.interp([0.3, 0.6, 0.8], *curve.T) == pytest.approx([0.15, 0.3, 0.4], abs=0.05)


def test_the_error_after_is_not_that_of_the_images_it_was_fitted_on():
    """Right and wrong at random have no curve, however well one fits what was drawn."""
    rng = np.random.default_rng(5)
    row = replace(
        ROW, scores=np.sort(rng.uniform(0.05, 1, 60))[::-1],
        hits=np.tile([True, False], 30), image_ids=np.tile([0, 1], 30),
    )  # fmt: skip
    fitted = fit([row])
    assert fitted.after > 0.3, 'every even image is right and every odd one wrong'


@pytest.mark.parametrize('count', [1, 2, 5, 100])
@pytest.mark.parametrize('right', [0.0, 0.5, 1.0])
def test_every_curve_can_be_stated_by_a_package(count, right):
    rng = np.random.default_rng(count)
    for scores in (rng.uniform(size=count), np.full(count, 0.5), np.ones(count)):
        curve = isotonic(scores, (rng.uniform(size=count) < right).astype(float))
        facts = read_class_facts({'crack': {'calibration': list(curve)}}, names=('crack',))
        assert facts['crack'].calibration == curve


def test_a_range_ends_where_the_class_was_looked_for_and_not_found():
    found = replace(ROW, metres_per_pixel=0.002)
    lost = replace(ROW, metres_per_pixel=0.02, shown='64', touch=Touch(objects=40, touched=1))
    (facts,) = class_facts(result_of(found), trained_m=(0.001, 0.05)).values()
    assert facts.metres_per_pixel == (0.001, 0.05)
    assert [(one.recall, one.objects) for one in facts.recall] == [(0.75, 40)]
    (facts,) = class_facts(result_of(found, lost), trained_m=(0.001, 0.05)).values()
    assert facts.metres_per_pixel == (0.001, 0.003)
    assert len(facts.recall) == 2
    (facts,) = class_facts(result_of(lost), trained_m=(0.001, 0.05)).values()
    assert facts.metres_per_pixel is None
    fine = replace(ROW, metres_per_pixel=0.001)  # finer than any training, and found there alone
    coarser = replace(lost, metres_per_pixel=0.002)
    (facts,) = class_facts(result_of(fine, coarser), trained_m=(0.01, 0.05)).values()
    assert facts.metres_per_pixel == (0.0001, 0.0015)


def test_false_alarms_of_sets_that_may_be_trained_on_do_not_count_where_others_are():
    learned = replace(ROW, role='train', set_name='x', alarms=Alarms(images=8, alarms=80))
    assert result_of(ROW, learned).alarms('crack').per_image == 0.5
    assert result_of(learned).alarms('crack').per_image == 10
    assert result_of(ROW).alarms('drain').per_image is None
