# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.vision.calibration import ConfidenceCalibration
from roof_detector.vision.errors import VisionError

CURVE = ((0.0, 0.0), (0.5, 0.1), (1.0, 0.6))


def test_without_a_curve_there_is_no_calibration():
    assert ConfidenceCalibration.of([(), ()]) is None


def test_each_class_has_its_own_curve_or_keeps_its_confidences():
    calibration = ConfidenceCalibration.of([CURVE, ()])
    scores, ids = np.array([0.5, 0.75, 0.5], np.float32), np.array([0, 0, 1], np.int32)
    assert calibration.apply(scores, ids) == pytest.approx([0.1, 0.35, 0.5])
    assert scores.tolist() == [0.5, 0.75, 0.5]


def test_a_threshold_keeps_what_it_keeps_on_the_other_side():
    calibration = ConfidenceCalibration.of([CURVE])
    scores = np.linspace(0, 1, 101, dtype=np.float32)
    applied = calibration.apply(scores, np.zeros(101, np.int32))
    for threshold in (0.0, 0.05, 0.1, 0.33, 0.59, 0.6, 0.9):
        raw = calibration.raw(np.array([threshold], np.float32))[0]
        # Within the rounding of float32 at the threshold itself.
        clear = abs(applied - threshold) > 1e-6
        assert ((scores > raw) == (applied > threshold))[clear].all(), threshold
    assert calibration.raw(np.array([0.6], np.float32)) == [1.0]


@pytest.mark.parametrize(
    'curve',
    [
        ((0.0, 0.0),),
        ((0.0, 0.1), (1.0, 0.1)),
        ((0.1, 0.0), (1.0, 0.5)),
        ((0.0, 0.0), (0.9, 0.5)),
    ],
)
def test_a_curve_that_does_not_rise_over_all_confidences_is_refused(curve):
    with pytest.raises(VisionError, match='expected two rows or more that rise'):
        ConfidenceCalibration.of([curve])
