# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Non-maximum suppression (NMS): from the network's raw predictions to detections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.candidates import Candidates, find_candidates
from roof_detector.vision.detections import Detections
from roof_detector.vision.mask_logits import mask_logits
from roof_detector.vision.masks import InstanceMasks

if TYPE_CHECKING:
    from roof_detector.vision.letterbox import Letterbox
    from roof_detector.vision.thresholds import ResolvedThresholds

# NMS compares pairs: with more candidates than this, which only a threshold near 0 lets through,
# it takes longer than the network. Those of highest confidence are taken.
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
    """Return the positions of the boxes kept by greedy NMS, in descending order of confidence.

    A box is dropped if it overlaps a kept box of its own class, or of any class with
    `class_agnostic`, by more than `iou`; equal confidences keep their order.
    """
    if not len(boxes_xyxy):
        return np.zeros(0, dtype=np.intp)
    order = np.argsort(-scores, kind='stable')[:MAX_CANDIDATES]
    boxes_xywh = boxes_xyxy[order].astype(np.float64)
    boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
    # OpenCV separates classes by the greatest coordinate, which works only from 0 on: a box that
    # reaches out of the image would meet those of the class before it.
    boxes_xywh[:, :2] -= boxes_xywh[:, :2].min(axis=0)
    # Lists, because OpenCV converts them to its own boxes five times faster than an array.
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
    """Choose detections from one image's predictions, see `find_candidates`.

    An anchor counts for its best class. `prototypes` are (coefficients, height, width).
    """
    candidates = find_candidates(
        predictions,
        classes=len(thresholds.confidence),
        coefficients=0 if prototypes is None else len(prototypes),
        floor=thresholds.floor,
    )
    return choose(
        candidates,
        thresholds=thresholds,
        geometry=geometry,
        prototypes=prototypes,
        class_agnostic=class_agnostic,
    )


def choose(
    candidates: Candidates,
    *,
    thresholds: ResolvedThresholds,
    geometry: Letterbox,
    prototypes: npt.NDArray[np.float32] | None = None,
    class_agnostic: bool = False,
) -> Detections:
    """Choose detections from candidates that reach down to the thresholds' floor or below it."""
    wanted = (candidates.scores > thresholds.confidence[candidates.class_ids]) & (
        thresholds.enabled[candidates.class_ids]
    )
    candidates = candidates[wanted]
    kept = suppress(
        candidates.boxes_xyxy,
        candidates.scores,
        candidates.class_ids,
        iou=thresholds.iou,
        max_detections=thresholds.max_detections,
        class_agnostic=class_agnostic,
    )
    chosen = candidates[kept]
    logits = None if prototypes is None else mask_logits(chosen.coefficients, prototypes)
    return to_detections(chosen, geometry=geometry, mask_logits=logits)


def to_detections(
    chosen: Candidates,
    *,
    geometry: Letterbox,
    mask_logits: npt.NDArray[np.float32] | None = None,
) -> Detections:
    """Map chosen candidates to source pixels; `mask_logits` are (n, mask height, mask width)."""
    boxes_xyxy = geometry.to_source(chosen.boxes_xyxy)
    masks = (
        None
        if mask_logits is None
        else InstanceMasks(logits=mask_logits, boxes_xyxy=boxes_xyxy, geometry=geometry)
    )
    return Detections(
        boxes_xyxy=boxes_xyxy, scores=chosen.scores, class_ids=chosen.class_ids, masks=masks
    )
