# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roof_detector.vision.errors import BadThreshold
from roof_detector.vision.thresholds import Thresholds, parse_class_confidence

NAMES = ('equip', 'drain', 'crack')


def test_no_classes_means_all_of_them():
    resolved = Thresholds().for_names(NAMES)
    assert resolved.enabled.all()
    assert np.allclose(resolved.confidence, 0.25)


def test_classes_and_overrides_apply_to_the_named_classes_only():
    thresholds = Thresholds(
        confidence=0.5, classes=('crack', 'equip'), class_confidence={'crack': 0.1}
    )
    resolved = thresholds.for_names(NAMES)
    assert resolved.enabled.tolist() == [True, False, True]
    assert resolved.confidence.tolist() == pytest.approx([0.5, 0.5, 0.1])
    assert resolved.floor == pytest.approx(0.1)
    assert hash(thresholds) == hash(
        Thresholds(confidence=0.5, classes=('crack', 'equip'), class_confidence=(('crack', 0.1),))
    )


@given(st.floats(0, 1), st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1)))
def test_each_class_has_its_override_or_the_common_confidence(confidence, overrides):
    resolved = Thresholds(confidence=confidence, class_confidence=overrides).for_names(NAMES)
    wanted = [overrides.get(name, confidence) for name in NAMES]
    assert np.array_equal(resolved.confidence, np.array(wanted, np.float32))
    assert resolved.floor == resolved.confidence.min()


@pytest.mark.parametrize(
    'thresholds',
    [Thresholds(classes=('roof',)), Thresholds(class_confidence=(('roof', 0.5),))],
    ids=['classes', 'class_confidence'],
)
def test_a_class_that_the_model_lacks_is_refused_with_those_it_has(thresholds):
    with pytest.raises(BadThreshold, match=r"no class 'roof', it has: equip, drain, crack"):
        thresholds.for_names(NAMES)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'confidence': 1.5}, 'confidence is 1.5'),
        ({'confidence': float('nan')}, 'confidence is nan'),
        ({'iou': -0.1}, 'iou is -0.1'),
        ({'max_detections': 0}, 'max_detections is 0'),
        ({'class_confidence': {'crack': 2.0}}, "'crack' is 2.0"),
        ({'class_confidence': (('crack', 0.1), ('crack', 0.2))}, 'crack more than once'),
    ],
    ids=['above 1', 'NaN', 'below 0', 'none allowed', 'override', 'repeated'],
)
def test_values_out_of_range_are_refused(options, message):
    with pytest.raises(BadThreshold, match=message):
        Thresholds(**options)


def test_overrides_are_read_from_text():
    assert parse_class_confidence([]) == ()
    assert parse_class_confidence(['crack:0.4', 'a:b: 1']) == (('crack', 0.4), ('a:b', 1.0))


@pytest.mark.parametrize('text', ['crack', 'crack:', ':0.4', 'crack:high', ''])
def test_an_override_of_another_form_is_refused(text):
    with pytest.raises(BadThreshold, match=r"write for example 'crack:0\.4'"):
        parse_class_confidence([text])
