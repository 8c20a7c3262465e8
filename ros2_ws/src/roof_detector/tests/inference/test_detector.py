# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import cuda_devices, why_no_cuda
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.errors import BadThreshold, VisionError, ZeroSize
from roof_detector.vision.thresholds import Thresholds

NAMES = ('equip', 'drain', 'crack', 'ponding', 'rust')


@pytest.fixture(scope='module')
def detector(detect_pt):
    with Detector.open(detect_pt, device='cpu') as detector:
        yield detector


def test_an_image_with_nothing_in_it_gives_no_detections(detector, roof_bgr):
    assert len(detector.detect(roof_bgr, Thresholds(confidence=1.0))) == 0


def test_the_model_says_what_it_is(detector, detect_pt):
    assert detector.names == NAMES
    assert (detector.task, detector.stride, detector.backend) == ('detect', 32, 'openvino')
    assert detector.image_size == (320, 320)
    assert detector.device == 'cpu'
    assert detector.model_path == detect_pt
    assert detector.model_hash == hashlib.sha256(detect_pt.read_bytes()).hexdigest()


def test_detections_lie_in_the_image_by_falling_score(detector, roof_bgr):
    found = detector.detect(roof_bgr, Thresholds())
    assert len(found) > 10
    assert (np.diff(found.scores) <= 0).all()
    assert found.boxes_xyxy.min() >= 0
    assert (found.boxes_xyxy <= np.array([1280, 720, 1280, 720])).all()
    assert found.masks is None


@pytest.mark.parametrize('size_wh', [(1, 1), (33, 700), (4000, 30)])
def test_images_of_any_size_are_taken(detector, paint_roof, size_wh):
    detector.detect(paint_roof(2, size_wh), Thresholds())


def test_a_closed_model_is_freed_at_once_and_not_when_the_collector_comes_by(detect_pt, roof_bgr):
    """The collector looks at old objects seldom: on Python 3.12 only several models later."""

    def tensors():
        return {id(one) for one in gc.get_objects() if issubclass(type(one), torch.Tensor)}

    with Detector.open(detect_pt, device='cpu', backend='torch'):
        pass  # what the first model leaves in caches stays
    gc.collect()
    before = tensors()
    gc.disable()
    try:
        with Detector.open(detect_pt, device='cpu', backend='torch') as detector:
            detector.detect(roof_bgr, Thresholds())
            assert len(tensors() - before) > 50, 'the weights of the open model are not seen'
        assert not tensors() - before
    finally:
        gc.enable()


def test_an_image_without_pixels_is_refused(detector):
    with pytest.raises(ZeroSize):
        detector.detect(np.zeros((0, 5, 3), np.uint8), Thresholds())


def test_a_grey_image_is_refused(detector):
    with pytest.raises(VisionError, match='expected'):
        detector.detect(np.zeros((5, 5), np.uint8), Thresholds())


def test_thresholds_change_between_two_frames(detector, roof_bgr):
    every = detector.detect(roof_bgr, Thresholds())
    few = detector.detect(roof_bgr, Thresholds(classes=('crack',), max_detections=3))
    assert set(every.class_ids.tolist()) == set(range(len(NAMES)))
    assert few.class_ids.tolist() == [NAMES.index('crack')] * 3


def test_a_class_that_the_model_lacks_is_refused(detector, roof_bgr):
    with pytest.raises(BadThreshold, match="no class 'roof'"):
        detector.detect(roof_bgr, Thresholds(classes=('roof',)))


def test_the_stages_one_by_one_give_the_same_as_detect(detector, roof_bgr):
    whole = detector.detect(roof_bgr, Thresholds())
    (forwarded,) = detector.infer(detector.preprocess(roof_bgr))
    staged = detector.postprocess(forwarded, Thresholds())
    assert np.array_equal(staged.boxes_xyxy, whole.boxes_xyxy)
    assert np.array_equal(staged.scores, whole.scores)


def test_a_batch_gives_the_same_as_single_images(detector, paint_roof):
    images = [paint_roof(seed) for seed in (1, 2, 3)]
    batch = detector.infer(*(detector.preprocess(image) for image in images))
    for image, forwarded in zip(images, batch, strict=True):
        single = detector.detect(image, Thresholds())
        batched = detector.postprocess(forwarded, Thresholds())
        assert len(batched) == len(single)
        assert np.allclose(batched.scores, single.scores, atol=1e-4)


def test_a_reduced_image_gives_boxes_of_its_source(detector, roof_bgr):
    found = detector.detect(roof_bgr, Thresholds(), source_wh=(3840, 2160))
    same = detector.detect(roof_bgr, Thresholds())
    assert np.allclose(found.boxes_xyxy, same.boxes_xyxy * 3, atol=1e-2)


def test_stage_times_are_of_the_last_image(detector, roof_bgr):
    detector.detect(roof_bgr, Thresholds())
    times = detector.times
    assert min(times.letterbox_s, times.forward_s, times.suppression_s) > 0
    assert times.total_s == pytest.approx(
        times.letterbox_s + times.forward_s + times.suppression_s
    )
    detector.warm_up()
    assert detector.times.total_s == 0


def test_another_input_size_can_be_asked_for(detect_pt, roof_bgr):
    with Detector.open(detect_pt, device='cpu', image_size=(256, 160)) as detector:
        assert detector.preprocess(roof_bgr).tensor.shape == (160, 256, 3)
        detector.detect(roof_bgr, Thresholds())


@pytest.mark.parametrize('image_size', [0, -32, 100, (320, 100)])
def test_an_input_size_that_does_not_fit_the_stride_is_refused(detect_pt, image_size):
    with pytest.raises(BadModel, match='multiples of the stride 32'):
        Detector.open(detect_pt, device='cpu', image_size=image_size)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'backend': 'tensorrt'}, 'use auto or torch, onnxruntime, openvino'),
        ({'backend': 'caffe'}, 'one of auto, torch, onnxruntime, openvino'),
        ({'device': 'abacus'}, "'abacus' is not a device"),
        ({'device': 'meta'}, "'meta' is not a device"),
        ({'device': 'cuda:last'}, "'cuda:last' is not a device"),
        ({'device': 'cuda:99'}, r"'cuda:99' is asked for, but torch finds (no CUDA|only cuda:0)"),
        ({'device': 'cpu', 'precision': 'f16'}, 'f16 is for CUDA'),
        ({'device': 'cpu', 'precision': 'int8'}, 'runs a checkpoint with auto, f32, f16, bf16'),
    ],
    ids=[
        'backend of another file',
        'unknown backend',
        'unknown device',
        'device of torch that computes nothing',
        'no number',
        'number of no device',
        'f16 on a processor',
        'int8',
    ],
)
def test_what_cannot_run_the_file_is_refused(detect_pt, options, message):
    with pytest.raises(MissingBackend, match=message):
        Detector.open(detect_pt, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason='for machines without a CUDA device')
def test_a_cuda_device_that_is_absent_is_refused(detect_pt):
    with pytest.raises(MissingBackend, match='finds no CUDA device'):
        Detector.open(detect_pt, device='cuda')


def test_a_path_from_the_home_folder_is_found(detect_pt, monkeypatch):
    monkeypatch.setenv('HOME', str(detect_pt.parent))
    with Detector.open(f'~/{detect_pt.name}', device='cpu') as detector:
        assert detector.model_path == detect_pt


WITHOUT_TORCH = """
import sys
import numpy as np
import roof_detector.inference.export.export_cache
from roof_detector.inference.detector import Detector
from roof_detector.vision.thresholds import Thresholds

with Detector.open(sys.argv[1], device='cpu') as detector:
    detector.detect(np.zeros((60, 80, 3), np.uint8), Thresholds())
assert 'torch' not in sys.modules and 'ultralytics' not in sys.modules
"""


@pytest.mark.parametrize('kind', ['onnx', 'openvino'])
def test_an_export_starts_on_a_processor_without_torch(detect_models, kind):
    command = [sys.executable, '-c', WITHOUT_TORCH, str(getattr(detect_models, kind))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_cuda_devices_are_there_where_torch_finds_them():
    assert len(cuda_devices()) == torch.cuda.device_count()
    for device in cuda_devices():
        assert why_no_cuda(device) == ''
    assert why_no_cuda('cuda:99')


@pytest.mark.parametrize(('wish', 'policy'), [(None, 'PASSIVE'), ('ACTIVE', 'ACTIVE')])
def test_waiting_threads_of_torch_sleep_unless_the_user_wants_otherwise(wish, policy):
    """GNU's OpenMP tells what it goes by (OMP_DISPLAY_ENV) when torch loads it."""
    environment = {**os.environ, 'OMP_DISPLAY_ENV': 'true'}
    environment.pop('OMP_WAIT_POLICY', None)
    if wish:
        environment['OMP_WAIT_POLICY'] = wish
    program = (
        'import sys; from roof_detector.inference.detector import Detector; '
        'Detector.open(sys.argv[1], device="cpu", backend="torch").close()'
    )
    command = [sys.executable, '-c', program, str(resolve_model('roofs'))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr
