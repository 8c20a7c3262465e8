# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The raw output of a network for one image, in the memory of its device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from roof_detector.vision.candidates import Candidates, check_rows
from roof_detector.vision.suppression import MAX_CANDIDATES, select, to_detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.vision.detections import Detections
    from roof_detector.vision.letterbox import Letterbox
    from roof_detector.vision.thresholds import ResolvedThresholds


class DeviceOutput:
    """Postprocesses predictions that lie in the memory of a device.

    Masks are made there, and only those of the chosen detections are copied to the host. Boxes
    alone are few numbers: to copy all and choose on the host takes 0.37 ms where the device's many
    small kernels take 1.25 (an H200, 5040 anchors, `benchmarks.bench device`). Each method does
    what `HostOutput` does, in float32 whatever the network computed with.
    """

    def __init__(self, predictions: torch.Tensor, prototypes: torch.Tensor | None) -> None:
        self._predictions = predictions
        self._prototypes = prototypes

    @classmethod
    def of_batch(cls, outputs: Sequence[torch.Tensor]) -> list[DeviceOutput]:
        """Split what a network returned by image: predictions, then prototypes if any."""
        prototypes = outputs[1] if len(outputs) > 1 else [None] * len(outputs[0])
        return [cls(*both) for both in zip(outputs[0], prototypes, strict=True)]

    @property
    def predictions(self) -> npt.NDArray[np.float32]:
        """Return a copy of all predictions."""
        return _to_host(self._predictions)

    @property
    def prototypes(self) -> npt.NDArray[np.float32] | None:
        """Return a copy of the prototypes of a segmentation model."""
        return None if self._prototypes is None else _to_host(self._prototypes)

    def candidates(self, *, classes: int, floor: float) -> Candidates:
        """Return all candidates with a confidence above a floor."""
        with torch.inference_mode():
            return _candidates(_to_host(self._rows(classes, floor)))

    def select(self, *, thresholds: ResolvedThresholds, geometry: Letterbox) -> Detections:
        """Choose detections and bring them to source pixels."""
        if self._prototypes is None:
            return select(self.predictions, thresholds=thresholds, geometry=geometry)
        with torch.inference_mode():
            rows = self._rows(len(thresholds.confidence), thresholds.floor)
            rows = self._suppressed(rows, thresholds)
            shape = self._prototypes.shape
            logits = rows[:, 6:] @ self._prototypes.float().reshape(shape[0], -1)
            # One copy for both: each copy waits for the device.
            copied = _to_host(torch.cat((rows.flatten(), logits.flatten())))
        found = copied[: rows.numel()].reshape(rows.shape)
        masks = copied[rows.numel() :].reshape(-1, *shape[1:])
        return to_detections(_candidates(found), geometry=geometry, mask_logits=masks)

    def _rows(self, classes: int, floor: float) -> torch.Tensor:
        """Return one row a candidate: box (4), score, class id, mask coefficients."""
        coefficients = 0 if self._prototypes is None else len(self._prototypes)
        check_rows(self._predictions.shape, classes=classes, coefficients=coefficients)
        best = self._predictions[4 : 4 + classes].amax(dim=0).float()
        # One choice, for each waits for the device to say how many there are.
        wanted = (best > floor) & self._predictions.isfinite().all(dim=0)
        columns = self._predictions[:, wanted].float()
        by_class = columns[4 : 4 + classes]
        scores, class_ids = by_class.amax(dim=0), by_class.argmax(dim=0)
        return torch.cat((columns[:4], scores[None], class_ids[None], columns[4 + classes :])).T

    def _suppressed(self, rows: torch.Tensor, thresholds: ResolvedThresholds) -> torch.Tensor:
        """Return the rows that NMS keeps, in descending order of confidence."""
        device = rows.device
        least = np.where(thresholds.enabled, thresholds.confidence, np.inf)
        least_of = torch.from_numpy(least.astype(np.float32)).to(device)
        rows = rows[rows[:, 4] > least_of[rows[:, 5].long()]]
        order = rows[:, 4].sort(descending=True, stable=True).indices[:MAX_CANDIDATES]
        rows = rows[order]
        centres, half_sizes = rows[:, :2], rows[:, 2:4] / 2
        boxes_xyxy = torch.cat((centres - half_sizes, centres + half_sizes), dim=1)
        kept = keep_best(boxes_xyxy, rows[:, 5], iou=thresholds.iou)
        return rows[kept][: thresholds.max_detections]


def _candidates(rows: npt.NDArray[np.float32]) -> Candidates:
    return Candidates(
        boxes_cxcywh=rows[:, :4],
        scores=rows[:, 4],
        class_ids=rows[:, 5].astype(np.int32),
        coefficients=rows[:, 6:],
    )


def _to_host(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    return tensor.float().cpu().numpy()


def keep_best(boxes_xyxy: torch.Tensor, class_ids: torch.Tensor, *, iou: float) -> torch.Tensor:
    """Return which boxes (n, 4), in descending confidence, greedy suppression keeps: (n,) bool.

    A box is kept when no kept one before it, of its class, overlaps it by more than `iou`. That
    rule has one solution, and repeating it on all boxes at once reaches it: after k rounds, all
    boxes are settled that end a chain of at most k overlaps. Chains are short, where a loop over
    boxes would wait for the device once a box.
    """
    overlap = _overlap(boxes_xyxy, iou=iou) & (class_ids[:, None] == class_ids)
    overlap = overlap.triu(diagonal=1)  # [i, j]: i comes before j
    kept = torch.ones(len(boxes_xyxy), dtype=torch.bool, device=boxes_xyxy.device)
    while True:
        settled = ~(overlap & kept[:, None]).any(dim=0)
        if torch.equal(settled, kept):
            return kept
        kept = settled


def _overlap(boxes_xyxy: torch.Tensor, *, iou: float) -> torch.Tensor:
    """Tell which pairs overlap by more than `iou`: (n, n) bool."""
    left_top = torch.maximum(boxes_xyxy[:, None, :2], boxes_xyxy[:, :2])
    right_bottom = torch.minimum(boxes_xyxy[:, None, 2:], boxes_xyxy[:, 2:])
    shared = (right_bottom - left_top).clamp_(min=0).prod(dim=-1)
    areas = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(dim=-1)
    return shared > iou * (areas[:, None] + areas - shared)
