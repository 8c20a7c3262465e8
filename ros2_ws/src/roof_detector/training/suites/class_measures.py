# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Measures that suit objects whose boxes are a matter of taste: cracks, stains, alarms on nothing.

A crack that three boxes follow is found, though no box of them has an IoU of 0.5 with the one that
a person drew. What is counted here is at one confidence, as a flight would report it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.matching import box_areas, shared_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.evaluation.image_comparison import ImageComparison

# A prediction is about a labelled object if so much of the prediction lies on it: a box around the
# whole image touches no crack in it.
LEAST_ON_LABEL = 0.25

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Touch:
    """How much of the labelled objects of a class is found at all.

    `touched` of `objects` have a prediction with LEAST_ON_LABEL of its area on them; `length_px`
    is the sum of their boxes' longer sides and `covered_px` what such predictions cover of these;
    `stray` of `predictions` are on no object.
    """

    objects: int = 0
    touched: int = 0
    length_px: float = 0.0
    covered_px: float = 0.0
    predictions: int = 0
    stray: int = 0

    @classmethod
    def of(cls, images: Sequence[ImageComparison], class_id: int, *, confidence: float) -> Touch:
        """Measure one class over all images."""
        objects = touched = predictions = stray = 0
        length = covered = 0.0
        for image in images:
            found, true = _boxes(image, class_id, confidence=confidence)
            shared = shared_areas(found[:, None], true[None])
            on_label = shared >= LEAST_ON_LABEL * np.maximum(box_areas(found), 1e-9)[:, None]
            objects += len(true)
            predictions += len(found)
            touched += int(on_label.any(axis=0).sum())
            stray += int((~on_label.any(axis=1)).sum())
            for position, box in enumerate(true):
                axis = 0 if box[2] - box[0] >= box[3] - box[1] else 1
                length += box[axis + 2] - box[axis]
                covered += _covered(box, found[on_label[:, position]], axis)
        return cls(
            objects=objects,
            touched=touched,
            length_px=float(length),
            covered_px=float(covered),
            predictions=predictions,
            stray=stray,
        )

    @property
    def touched_share(self) -> float | None:
        """Return the share of objects that are touched; None without objects."""
        return self.touched / self.objects if self.objects else None

    @property
    def covered_share(self) -> float | None:
        """Return the share of the objects' length that is covered; None without objects."""
        return self.covered_px / self.length_px if self.length_px else None


def area_iou(
    images: Sequence[ImageComparison], class_id: int, *, confidence: float
) -> float | None:
    """Return the IoU of all predicted with all labelled area of a class, over all images.

    Boxes of one side that overlap count once. None where nothing is labelled.
    """
    shared = union = 0
    labelled = False
    for image in images:
        found, true = _boxes(image, class_id, confidence=confidence)
        labelled |= len(true) > 0
        if not len(found) and not len(true):
            continue
        masks = _filled(found, image.size_wh), _filled(true, image.size_wh)
        shared += int(np.count_nonzero(masks[0] & masks[1]))
        union += int(np.count_nonzero(masks[0] | masks[1]))
    return shared / union if labelled and union else None


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The predictions of a class on images without an object of it, where each is a false alarm.

    `area_m2` is the ground that these images show, None where its scale is not known.
    """

    images: int = 0
    alarms: int = 0
    area_m2: float | None = None

    @classmethod
    def of(
        cls,
        images: Sequence[ImageComparison],
        class_id: int,
        *,
        confidence: float,
        metres_per_pixel: Sequence[float | None],
    ) -> Alarms:
        """Count them; `metres_per_pixel` has the scale of each image."""
        count = alarms = 0
        area_m2: float | None = 0.0
        for image, scale_m in zip(images, metres_per_pixel, strict=True):
            found, true = _boxes(image, class_id, confidence=confidence)
            if len(true):
                continue
            count += 1
            alarms += len(found)
            if scale_m is None or area_m2 is None:
                area_m2 = None
            else:
                area_m2 += image.size_wh[0] * image.size_wh[1] * scale_m**2
        return cls(images=count, alarms=alarms, area_m2=area_m2 if count else None)

    @classmethod
    def join(cls, parts: Sequence[Alarms]) -> Alarms:
        """Return the sum of several; the area only where all of those with images have one."""
        areas = [one.area_m2 for one in parts if one.images]
        known = [area for area in areas if area is not None]
        return cls(
            images=sum(one.images for one in parts),
            alarms=sum(one.alarms for one in parts),
            area_m2=sum(known) if areas and len(known) == len(areas) else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'images': self.images,
            'alarms': self.alarms,
            'per_image': self.per_image,
            'per_1000_m2': self.per_1000_m2,
        }

    @property
    def per_image(self) -> float | None:
        """Return the false alarms an image; None without images."""
        return self.alarms / self.images if self.images else None

    @property
    def per_1000_m2(self) -> float | None:
        """Return the false alarms on 1000 square metres; None where the scale is not known."""
        return 1000 * self.alarms / self.area_m2 if self.area_m2 else None


def _boxes(image: ImageComparison, class_id: int, *, confidence: float) -> tuple[Floats, Floats]:
    """Return the predicted and the labelled boxes of a class, each (n, 4)."""
    kept = (image.found.class_ids == class_id) & (image.found.scores > confidence)
    found: npt.NDArray[Any] = image.found.boxes_xyxy[kept]
    return found.astype(np.float64), image.true.boxes_xyxy[image.true.class_ids == class_id]


def _covered(box: Floats, found: Floats, axis: int) -> float:
    """Return how much of a box's side along an axis the boxes cover together."""
    ends = np.clip(found[:, [axis, axis + 2]], box[axis], box[axis + 2])
    covered, reached = 0.0, float(box[axis])
    for low, high in sorted(ends.tolist()):
        covered += max(high - max(low, reached), 0.0)
        reached = max(reached, high)
    return covered


def _filled(boxes_xyxy: Floats, size_wh: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return the pixels (height, width) that any of the boxes covers."""
    width, height = size_wh
    mask = np.zeros((height, width), np.bool_)
    for x1, y1, x2, y2 in np.rint(boxes_xyxy).astype(int).tolist():
        mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] = True
    return mask
