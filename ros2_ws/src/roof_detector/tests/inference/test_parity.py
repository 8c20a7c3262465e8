# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from roof_detector.vision.detections import Detections

IOU = 0.45
CONFIDENCE = 0.5
MANY = 3000  # so that no detection is left out for being one too many
THRESHOLDS = Thresholds(confidence=CONFIDENCE, iou=IOU, max_detections=MANY)
SIZES = [(1280, 720), (333, 517)]


def predicted_by_ultralytics(path, image_bgr, *, imgsz):
    """Return boxes, scores and class ids of its own prediction, and masks in the input's size."""
    yolo = import_quietly().YOLO(path)
    (result,) = yolo.predict(
        image_bgr,
        conf=CONFIDENCE,
        iou=IOU,
        max_det=MANY,
        imgsz=imgsz,
        device='cpu',
        verbose=False,
    )
    boxes = result.boxes
    masks = None if result.masks is None else result.masks.data.numpy().astype(bool)
    return boxes.xyxy.numpy(), boxes.conf.numpy(), boxes.cls.numpy().astype(int), masks


def partners(found: Detections, boxes, scores, class_ids) -> np.ndarray:
    """Return for each of the other's detections the nearest of ours in place, score and class."""
    distance = np.abs(found.boxes_xyxy[None] - boxes[:, None]).max(axis=2)
    distance += 1e4 * (found.class_ids[None] != class_ids[:, None])
    # Boxes that reach over the edges of the image are alike once clipped: the score tells.
    nearest = (distance + 1e3 * np.abs(found.scores[None] - scores[:, None])).argmin(axis=1)
    assert len(set(nearest.tolist())) == len(boxes), 'two detections share a partner'
    assert distance[np.arange(len(boxes)), nearest].max() < 0.5
    assert np.abs(found.scores[nearest] - scores).max() < 5e-3
    return nearest


def without_empty_masks(found: Detections) -> Detections:
    """Leave out detections whose mask is empty, as ultralytics does; we keep their boxes."""
    size_wh = found.masks.geometry.resized_wh
    covers = [inside.any() for _, inside in found.masks.windows(size_wh=size_wh)]
    return found[np.array(covers)]


@pytest.mark.parametrize('size_wh', SIZES, ids=str)
def test_detections_equal_those_of_ultralytics(models, paint_roof, size_wh):
    image = paint_roof(3, size_wh)
    boxes, scores, class_ids, masks = predicted_by_ultralytics(models.pt, image, imgsz=320)
    with Detector.open(models.pt, device='cpu') as detector:
        found = detector.detect(image, THRESHOLDS)
    if found.masks is not None:
        found = without_empty_masks(found)
    assert len(found) == len(boxes) > 10
    nearest = partners(found, boxes, scores, class_ids)
    assert (masks is None) == (found.masks is None)
    if masks is not None:
        geometry = found.masks.geometry
        (left, top), (width, height) = geometry.pad_xy, geometry.resized_wh
        theirs = masks[:, top : top + height, left : left + width]
        ours = np.stack([found.masks.full(int(i), size_wh=(width, height)) for i in nearest])
        overlap = (ours & theirs).sum(axis=(1, 2)) / (ours | theirs).sum(axis=(1, 2)).clip(1)
        assert np.median(overlap) > 0.98
        assert np.mean(ours != theirs) < 1e-3


@pytest.mark.parametrize('kind', ['onnx', 'openvino'])
@pytest.mark.parametrize('size_wh', SIZES, ids=str)
def test_backends_agree_with_torch_on_every_anchor(models, paint_roof, kind, size_wh):
    image = paint_roof(4, size_wh)
    with Detector.open(models.pt, device='cpu') as detector:
        names, task = detector.names, detector.task
        (expected,) = detector.infer(detector.preprocess(image))
    with Detector.open(getattr(models, kind), device='cpu') as detector:
        assert (detector.names, detector.task) == (names, task)
        (found,) = detector.infer(detector.preprocess(image))
    assert found.geometry == expected.geometry
    difference = np.abs(found.raw.predictions - expected.raw.predictions)
    assert difference[:4].max() / min(found.geometry.scale_xy) < 0.5
    assert difference[4 : 4 + len(names)].max() < 5e-3
    if task == 'segment':
        assert difference[4 + len(names) :].max() < 0.05
        assert np.allclose(found.raw.prototypes, expected.raw.prototypes, atol=0.05)


@pytest.mark.parametrize('kind', ['onnx_fixed', 'openvino_fixed'])
def test_exports_of_a_fixed_size_see_the_image_in_a_square(models, paint_roof, kind):
    image = paint_roof(3)
    # Not from its OpenVINO backend: that computes in bf16 on processors with AMX.
    boxes, scores, class_ids, _ = predicted_by_ultralytics(models.onnx_fixed, image, imgsz=320)
    with Detector.open(getattr(models, kind), device='cpu') as detector:
        assert detector.preprocess(image).tensor.shape == (320, 320, 3)
        found = detector.detect(image, THRESHOLDS)
        if found.masks is not None:
            found = without_empty_masks(found)
        batch = detector.infer(*[detector.preprocess(image)] * 2)
        assert len(batch) == 2
    assert len(found) == len(boxes) > 10
    partners(found, boxes, scores, class_ids)


def test_a_trained_model_finds_what_ultralytics_finds(coco_pt):
    assets = import_quietly('ultralytics.utils').ASSETS
    import cv2

    for name in ('bus.jpg', 'zidane.jpg'):
        image = cv2.imread(str(assets / name))
        boxes, scores, class_ids, _ = predicted_by_ultralytics(coco_pt, image, imgsz=640)
        with Detector.open(coco_pt, device='cpu') as detector:
            found = detector.detect(image, THRESHOLDS)
        assert len(found) == len(boxes) >= 2
        partners(found, boxes, scores, class_ids)
