# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a package states of its classes, and what its confidences become by it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel
from roof_detector.inference.package.class_facts import ClassFacts, MeasuredRecall
from roof_detector.inference.package.container import read_files, write_zip
from roof_detector.inference.package.golden import stored_inputs
from roof_detector.inference.package.manifest import MANIFEST, Manifest
from roof_detector.inference.package.scale import with_class_facts
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.thresholds import Thresholds

CURVE = ((0.0, 0.0), (0.5, 0.1), (1.0, 0.6))
FACTS = {
    'equip': ClassFacts(
        metres_per_pixel=(0.002, 0.08),
        recall=(MeasuredRecall(0.01, 0.75, 40),),
        calibration=CURVE,
    ),
    'crack': ClassFacts(metres_per_pixel=(0.001, 0.01)),
}


@pytest.fixture(scope='module')
def files():
    return read_files(resolve_model('roof_anomalies'))


@pytest.fixture(scope='module')
def measured(files, tmp_path_factory):
    path = tmp_path_factory.mktemp('measured') / 'measured.zip'
    write_zip(path, with_class_facts(files, FACTS))
    return path


@pytest.fixture(scope='module')
def image_bgr():
    """Return a golden image: it shows what the model must find."""
    rgb = next(iter(stored_inputs()))[0].transpose(1, 2, 0)
    return np.ascontiguousarray((rgb[..., ::-1] * 255).round().astype(np.uint8))


def test_a_package_without_facts_is_written_as_before_there_were_any(files):
    manifest = Manifest.read(files[MANIFEST])
    bare = replace(manifest, classes={})
    assert 'classes' not in json.loads(bare.as_bytes())
    assert Manifest.read(bare.as_bytes()) == bare


def test_facts_are_read_as_they_were_written(files):
    changed = with_class_facts(files, FACTS)
    assert Manifest.read(changed[MANIFEST]).classes == FACTS


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        ({'llama': {}}, 'no object of known class names'),
        ({'crack': {'colour': 'grey'}}, 'other keys than'),
        ({'crack': {'metres_per_pixel': [0.1, 0.01]}}, 'expected a range'),
        ({'crack': {'metres_per_pixel': [0.1]}}, r'expected 2 number\(s\)'),
        ({'crack': {'recall': [{'recall': 1.0}]}}, 'a recall without exactly'),
        ({'crack': {'recall': 'all'}}, 'no list of at most'),
        ({'crack': {'calibration': [[0, 0], [0.5, 0.5]]}}, 'begin at the confidence 0 and end at'),
        ({'crack': {'calibration': [[0, 0.5], [1, 0.5]]}}, 'does not rise'),
        ({'crack': {'calibration': [[0, 0], [1, 1.5]]}}, r'expected 2 number\(s\)'),
    ],
)
def test_facts_that_cannot_be_are_refused(files, classes, message):
    values = {**json.loads(files[MANIFEST]), 'classes': classes}
    with pytest.raises(BadModel, match=message):
        Manifest.read(json.dumps(values).encode())


def test_confidences_are_what_the_package_says_they_are_worth(measured, image_bgr):
    wanted = Thresholds(confidence=0.05)
    options = {'device': 'cpu', 'backend': 'onnxruntime', 'image_size': 320}
    with (
        Detector.open(measured, **options) as calibrated,
        Detector.open(measured, calibrate=False, **options) as plain,
    ):
        assert plain.calibration is None
        assert calibrated.coarsest_m == {'equip': 0.08, 'crack': 0.01}
        found = calibrated.detect(image_bgr, wanted)
        raw = plain.detect(image_bgr, Thresholds(confidence=0.01))
        candidates, *_ = (
            one.candidates(one.infer(one.preprocess(image_bgr))[0], floor=0.05)
            for one in (calibrated, plain)
        )
    equip = raw.class_ids == plain.names.index('equip')
    expected = np.where(equip, np.interp(raw.scores, *np.array(CURVE).T), raw.scores)
    kept = expected > wanted.confidence
    assert (equip & kept).any()
    assert (equip & ~kept & (raw.scores > wanted.confidence)).any() or equip[kept].any()
    assert np.sort(found.scores) == pytest.approx(np.sort(expected[kept]), abs=1e-5)
    assert (np.diff(found.scores) <= 0).all()
    assert candidates.scores.min() > 0.05
    assert candidates.scores.max() == pytest.approx(found.scores.max(), abs=1e-5)
