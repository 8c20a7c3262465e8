# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From the network's raw predictions to what was found."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.detections import Detections
from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks
from roof_detector.vision.thresholds import ResolvedThresholds

# Overlaps are tested pair by pair: with more candidates than this, which only a threshold near 0
# lets through, the test takes longer than the network. The best ones are taken.
MAX_CANDIDATES = 4096


def suppress(
    boxes_xyxy: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    class_ids: npt.NDArray[np.int32],
    *,
    iou: float,
    max_detections: int,
    class_agnostic: bool = False,
) -> npt.NDArray[np.intp]:
    """Return the positions of the boxes kept by greedy suppression, by falling score.

    A box is dropped when it overlaps a kept box of its own class, or of any class when
    `class_agnostic`, by more than `iou`; equal scores keep their order.
    """
    if not len(boxes_xyxy):
        return np.zeros(0, dtype=np.intp)
    order = np.argsort(-scores, kind='stable')[:MAX_CANDIDATES]
    boxes_xywh = boxes_xyxy[order].astype(np.float64)
    boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
    # Lists, for OpenCV turns them into its own boxes five times faster than an array.
    boxes, ranked = boxes_xywh.tolist(), scores[order].tolist()
    if class_agnostic:
        kept = cv2.dnn.NMSBoxes(boxes, ranked, 0.0, iou)
    else:
        kept = cv2.dnn.NMSBoxesBatched(boxes, ranked, class_ids[order].tolist(), 0.0, iou)
    return order[np.sort(np.asarray(kept, dtype=np.intp))[:max_detections]]


def select(
    predictions: npt.NDArray[np.float32],
    *,
    thresholds: ResolvedThresholds,
    geometry: Letterbox,
    prototypes: npt.NDArray[np.float32] | None = None,
    class_agnostic: bool = False,
) -> Detections:
    """Choose detections from one picture's predictions.

    `predictions` (4 + classes + mask coefficients, anchors): centre x, centre y, width, height in
    input pixels, class scores in 0..1, coefficients of `prototypes` (coefficients, height, width).
    An anchor counts for its best class. Predictions that are not finite are dropped.
    """
    classes = len(thresholds.confidence)
    coefficients = 0 if prototypes is None else len(prototypes)
    if predictions.ndim != 2 or len(predictions) != 4 + classes + coefficients:
        raise VisionError(
            f'The network gave predictions of shape {predictions.shape}, expected '
            f'{4 + classes + coefficients} rows: 4 for the box, {classes} classes and '
            f'{coefficients} mask coefficients.'
        )
    best = predictions[4 : 4 + classes].max(axis=0)
    candidates = predictions[:, np.flatnonzero(best > thresholds.floor)]  # NaN > x is false
    class_ids = candidates[4 : 4 + classes].argmax(axis=0)
    scores = candidates[4 : 4 + classes].max(axis=0)
    wanted = (scores > thresholds.confidence[class_ids]) & thresholds.enabled[class_ids]
    wanted &= np.isfinite(candidates).all(axis=0)
    candidates, scores = candidates[:, wanted], scores[wanted]
    class_ids = class_ids[wanted].astype(np.int32)
    half_wh = candidates[2:4] / 2
    boxes_xyxy = np.concatenate((candidates[:2] - half_wh, candidates[:2] + half_wh)).T
    kept = suppress(
        boxes_xyxy,
        scores,
        class_ids,
        iou=thresholds.iou,
        max_detections=thresholds.max_detections,
        class_agnostic=class_agnostic,
    )
    boxes_in_source = geometry.to_source(boxes_xyxy[kept])
    masks = None
    if prototypes is not None:
        weights = np.ascontiguousarray(candidates[4 + classes :, kept].T)
        logits = weights @ prototypes.reshape(coefficients, -1)
        masks = InstanceMasks(logits.reshape(-1, *prototypes.shape[1:]), boxes_in_source, geometry)
    return Detections(boxes_in_source, scores[kept], class_ids[kept], masks=masks)
