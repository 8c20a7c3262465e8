# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which provider of ONNX Runtime takes a graph, where it says that it has more than it has.

It leaves out a provider that cannot be set up, for want of a driver or of a library's version,
and runs on the processor without an error: the same happens here with providers that this build
lacks.
"""

from __future__ import annotations

import numpy as np
import pytest

from roof_detector.inference.backends import onnxruntime_backend
from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import MissingBackend
from roof_detector.vision.thresholds import Thresholds

onnxruntime = pytest.importorskip('onnxruntime')

ALL = ['TensorrtExecutionProvider', 'CUDAExecutionProvider', 'CPUExecutionProvider']

pytestmark = [
    pytest.mark.skipif(
        'CUDAExecutionProvider' in onnxruntime.get_available_providers(),
        reason='This ONNX Runtime is made for CUDA.',
    ),
    pytest.mark.filterwarnings('ignore:Specified provider'),
]


@pytest.fixture
def boastful(monkeypatch):
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: ALL)


@pytest.mark.usefixtures('boastful')
@pytest.mark.parametrize('device', ['cuda', 'cuda:1', 'tensorrt'])
def test_a_device_that_cannot_be_set_up_is_refused_where_it_is_asked_for(detect_models, device):
    with pytest.raises(MissingBackend, match=rf"'{device}' .* would run on cpu\. Install"):
        Detector.open(detect_models.onnx, device=device)


@pytest.mark.usefixtures('boastful')
def test_auto_falls_to_the_processor_and_says_so(detect_models, capfd):
    with Detector.open(detect_models.onnx) as detector:
        assert detector.device == 'cpu'
        detector.detect(np.zeros((60, 80, 3), np.uint8), Thresholds())
    assert capfd.readouterr().out == ''


def test_a_provider_is_told_its_card_and_to_compute_in_f32():
    chosen = onnxruntime_backend.choose_providers('cuda:1', ALL)
    options = {'device_id': '1', 'use_tf32': '0'}
    assert chosen == [('CUDAExecutionProvider', options), 'CPUExecutionProvider']
    first, second, last = onnxruntime_backend.choose_providers('tensorrt', ALL)
    assert first == ('TensorrtExecutionProvider', {'device_id': '0'})
    assert second == ('CUDAExecutionProvider', {**options, 'device_id': '0'})
    assert last == 'CPUExecutionProvider'
