# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The stages that a CUDA device runs, on whatever device torch has here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from roof_detector.inference.backend_choice import BackendChoice
from roof_detector.inference.backends.device_output import DeviceOutput, keep_best
from roof_detector.inference.backends.device_preprocessor import DevicePreprocessor
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.torch_backend import TorchBackend
from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model, shipped_models
from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox, letterbox
from roof_detector.vision.suppression import suppress
from roof_detector.vision.thresholds import Thresholds

NAMES = ('equip', 'drain', 'crack', 'ponding', 'rust')
DEVICE = torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')


@pytest.fixture(scope='module')
def preprocessor():
    return DevicePreprocessor(DEVICE, torch.float32)


def drawn(preprocessor, image_bgr, geometry):
    """Return what the device drew as (height, width, 3) BGR in grey levels."""
    batch = preprocessor.stack([preprocessor.to_tensor(image_bgr, geometry)])
    assert batch.shape == (1, 3, *reversed(geometry.input_wh))
    return batch[0].permute(1, 2, 0).flip(-1).cpu().numpy() * 255


@pytest.mark.parametrize(
    'size_wh', [(1280, 720), (3840, 2160), (640, 480), (320, 192), (100, 100), (33, 700), (1, 1)]
)
def test_an_image_is_fitted_as_the_processor_fits_it(preprocessor, paint_roof, size_wh):
    image_bgr = paint_roof(3, size_wh)
    geometry = Letterbox.fit(size_wh, image_size=320)
    difference = np.abs(drawn(preprocessor, image_bgr, geometry) - letterbox(image_bgr, geometry))
    # OpenCV mixes four pixels in steps of 1/2048: it rounds to the neighbouring level at times.
    assert difference.max() < 1.01
    assert (difference > 0.01).mean() < 0.2


def test_parts_of_images_and_messages_that_may_not_be_written_are_taken(preprocessor, roof_bgr):
    part_bgr = roof_bgr[100:400, 200:700]
    part_bgr.flags.writeable = False
    geometry = Letterbox.fit((500, 300), image_size=320)
    difference = np.abs(drawn(preprocessor, part_bgr, geometry) - letterbox(part_bgr, geometry))
    assert difference.max() < 1.01


def test_what_is_no_colour_image_is_refused(preprocessor):
    with pytest.raises(VisionError, match=r'shape \(8, 8\)'):
        preprocessor.to_tensor(np.zeros((8, 8), np.uint8), Letterbox.fit((8, 8), image_size=32))


def test_a_batch_mixes_images_fitted_here_and_by_the_processor(preprocessor, paint_roof):
    images = [paint_roof(seed, (640, 360)) for seed in (1, 2)]
    geometry = Letterbox.fit((640, 360), image_size=320)
    fitted = [letterbox(image, geometry) for image in images]
    batch = preprocessor.stack([preprocessor.to_tensor(images[0], geometry), fitted[1]])
    assert batch.is_contiguous(memory_format=torch.channels_last)
    levels = batch.permute(0, 2, 3, 1).flip(-1).cpu().numpy() * 255
    assert np.abs(levels[0] - fitted[0]).max() < 1.01
    assert np.abs(levels[1] - fitted[1]).max() < 0.01


@pytest.mark.parametrize('iou', [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize('count', [0, 1, 7, 300])
def test_suppression_keeps_what_the_greedy_loop_keeps(count, iou):
    random = np.random.default_rng(count)
    corners = random.uniform(-50, 200, (count, 2))
    boxes = np.hstack((corners, corners + random.uniform(5, 120, (count, 2)))).astype(np.float32)
    scores = np.sort(random.uniform(size=count).astype(np.float32))[::-1]
    class_ids = random.integers(3, size=count).astype(np.int32)
    expected = suppress(boxes, scores, class_ids, iou=iou, max_detections=count)
    kept = keep_best(torch.from_numpy(boxes), torch.from_numpy(class_ids), iou=iou)
    assert np.flatnonzero(kept.numpy()).tolist() == expected.tolist()


def test_a_long_chain_of_overlaps_keeps_every_other_box():
    left = np.arange(60, dtype=np.float32) * 6
    boxes = np.stack((left, 0 * left, left + 10, 0 * left + 10), axis=1)
    kept = keep_best(torch.from_numpy(boxes), torch.zeros(60), iou=0.2)
    assert kept.tolist() == [True, False] * 30


def random_answers(masks):
    """Return the same predictions on the host and on the device, some of them not finite."""
    random = np.random.default_rng(5)
    coefficients = 32 if masks else 0
    predictions = random.normal(size=(4 + len(NAMES) + coefficients, 800)).astype(np.float32)
    predictions[:2] = random.uniform(-20, 320, (2, 800))
    predictions[2:4] = random.uniform(5, 90, (2, 800))
    predictions[4 : 4 + len(NAMES)] = random.uniform(size=(len(NAMES), 800)) ** 3
    predictions[6, 10], predictions[0, 20], predictions[2, 30] = np.nan, np.inf, np.nan
    prototypes = random.normal(size=(32, 40, 40)).astype(np.float32) if masks else None
    on_device = [torch.from_numpy(predictions).to(DEVICE)]
    if masks:
        on_device.append(torch.from_numpy(prototypes).to(DEVICE))
    return HostOutput(predictions, prototypes), DeviceOutput(*on_device, *[None] * (not masks))


@pytest.mark.parametrize('masks', [False, True])
@pytest.mark.parametrize(
    'thresholds',
    [
        Thresholds(),
        Thresholds(confidence=0.001, iou=0.4),
        Thresholds(confidence=0.6, max_detections=7),
        Thresholds(classes=('drain', 'rust'), class_confidence={'rust': 0.8}),
        Thresholds(confidence=1.0),
    ],
)
def test_the_device_chooses_what_the_processor_chooses(masks, thresholds):
    on_host, on_device = random_answers(masks)
    geometry = Letterbox.fit((1280, 720), image_size=320)
    wanted = thresholds.for_names(NAMES)
    expected = on_host.select(thresholds=wanted, geometry=geometry)
    found = on_device.select(thresholds=wanted, geometry=geometry)
    assert found.class_ids.tolist() == expected.class_ids.tolist()
    assert found.class_ids.dtype == expected.class_ids.dtype
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
    assert (found.masks is None) == (expected.masks is None) == (not masks)
    if masks:
        np.testing.assert_allclose(found.masks.logits, expected.masks.logits, atol=1e-3)


def test_the_device_proposes_what_the_processor_proposes():
    on_host, on_device = random_answers(masks=True)
    expected = on_host.candidates(classes=len(NAMES), floor=0.3)
    found = on_device.candidates(classes=len(NAMES), floor=0.3)
    assert len(found) == len(expected) > 100
    for one in ('boxes_cxcywh', 'scores', 'class_ids', 'coefficients'):
        np.testing.assert_array_equal(getattr(found, one), getattr(expected, one))


def test_predictions_of_another_number_of_classes_are_refused():
    _, on_device = random_answers(masks=True)
    with pytest.raises(VisionError, match='expected 40 rows: 4 for the box, 4 classes and 32'):
        on_device.candidates(classes=4, floor=0.3)


def detector_on_device(path, image_size):
    backend = TorchBackend(path, device=str(DEVICE), precision='f32', on_device=True)
    choice = BackendChoice(backend='torch', reason='it is what the file is made for')
    return Detector(backend, model_path=path, image_size=image_size, choice=choice)


@pytest.mark.parametrize('task', ['detect', 'segment'])
def test_a_detector_with_its_stages_on_the_device_finds_the_same(task, request, paint_roof):
    path = request.getfixturevalue(f'{task}_pt')
    thresholds = Thresholds(confidence=0.4)
    with (
        Detector.open(path, device='cpu') as plain,
        detector_on_device(path, (320, 320)) as detector,
    ):
        prepared = [plain.preprocess(paint_roof(seed)) for seed in (1, 2, 3)]
        for one, answer in zip(prepared, detector.infer(*prepared), strict=True):
            expected = plain.postprocess(*plain.infer(one), thresholds)
            found = detector.postprocess(answer, thresholds)
            assert len(found) == len(expected) > 5
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=0.1)
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
            if task == 'segment':
                both = zip(found.masks.windows(), expected.masks.windows(), strict=True)
                assert np.mean([(one[1] != other[1]).mean() for one, other in both]) < 0.01


def test_a_detector_on_the_processor_takes_what_was_fitted_on_the_device(detect_pt, roof_bgr):
    with (
        Detector.open(detect_pt, device='cpu') as plain,
        detector_on_device(detect_pt, (320, 320)) as detector,
    ):
        prepared = detector.preprocess(roof_bgr)
        (expected,), (found,) = detector.infer(prepared), plain.infer(prepared)
        difference = np.abs(found.raw.predictions - expected.raw.predictions)
        assert difference.max() < 0.05


@pytest.mark.parametrize('model', shipped_models())
def test_a_shipped_model_scores_an_image_fitted_on_the_device_alike(model, roof_bgr):
    path = resolve_model(model)
    with (
        Detector.open(path, device='cpu') as plain,
        detector_on_device(path, plain.image_size) as detector,
    ):
        (expected,), (found,) = (one.infer(one.preprocess(roof_bgr)) for one in (plain, detector))
        scores = slice(4, 4 + len(plain.names))
        difference = found.raw.predictions[scores] - expected.raw.predictions[scores]
        assert np.abs(difference).max() < 0.02
