# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The predictions of one class over all images, in descending order of confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.matching import assign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.evaluation.image_comparison import ImageComparison
    from training.evaluation.overlap import Overlap

# COCO's IoU thresholds: average precision is a mean over these.
IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
# COCO's sizes by area in square pixels of the source image, both ends included.
SIZES = {'small': (0.0, 32.0**2), 'medium': (32.0**2, 96.0**2), 'large': (96.0**2, 1e10)}
_ALL = (0.0, 1e10)

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking:
    """The n predictions in descending order of confidence, and their match at every IoU of `IOUS`.

    `scores` (n,), the confidences; `hits` (10, n): it takes a target; `counted` (10, n): neither
    it nor its target is outside the size range; `images` (n,) the image of each; `positives`
    (images,) the number of targets in each image.
    """

    scores: npt.NDArray[np.float64]
    hits: Bools
    counted: Bools
    images: npt.NDArray[np.intp]
    positives: npt.NDArray[np.intp]

    @property
    def instances(self) -> int:
        """Return the number of targets."""
        return int(self.positives.sum())

    def average_precisions(self) -> npt.NDArray[np.float64] | None:
        """Return the average precision at each IoU of `IOUS`; None without targets."""
        if not self.instances:
            return None
        right = np.cumsum(self.hits & self.counted, axis=1)
        wrong = np.cumsum(~self.hits & self.counted, axis=1)
        return np.array(
            [interpolate(r, w, self.instances) for r, w in zip(right, wrong, strict=True)]
        )

    @classmethod
    def join(cls, rankings: Sequence[Ranking]) -> Ranking:
        """Rank the predictions of several classes together."""
        order = np.argsort(-np.concatenate([r.scores for r in rankings]), kind='stable')
        return cls(
            scores=np.concatenate([r.scores for r in rankings])[order],
            hits=np.concatenate([r.hits for r in rankings], axis=1)[:, order],
            counted=np.concatenate([r.counted for r in rankings], axis=1)[:, order],
            images=np.concatenate([r.images for r in rankings])[order],
            positives=np.sum([r.positives for r in rankings], axis=0),
        )


def interpolate(
    right: npt.NDArray[np.integer[Any]], wrong: npt.NDArray[np.integer[Any]], positives: int
) -> float:
    """Return COCO's average precision: the mean over 101 recalls of the best precision from there.

    `right` and `wrong` (n,) are counted up to each prediction, in descending order of confidence.
    """
    if not len(right):
        return 0.0
    precision = right / (right + wrong + np.spacing(1))
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / positives, RECALLS, side='left')
    reached = places < len(right)
    return float(best_from_here[places[reached]].sum() / len(RECALLS))


def rank(
    images: Sequence[ImageComparison], *, classes: int, masks: bool = False
) -> tuple[list[Ranking], dict[str, list[Ranking]]]:
    """Rank each class over all images: objects of every size, and those of each of `SIZES`."""
    overlaps = [image.masks if masks else image.boxes for image in images]
    assert all(overlap is not None for overlap in overlaps)
    pairs = [(p, o) for p, o in zip(images, overlaps, strict=True) if o is not None]
    whole = _rank_size(pairs, classes=classes, area=_ALL)
    return whole, {
        size: _rank_size(pairs, classes=classes, area=area) for size, area in SIZES.items()
    }


def _rank_size(
    pairs: Sequence[tuple[ImageComparison, Overlap]], *, classes: int, area: tuple[float, float]
) -> list[Ranking]:
    judged = [_judge(image, overlap, area=area) for image, overlap in pairs]
    counts = [len(image.found) for image, _ in pairs]
    scores = np.concatenate([image.found.scores for image, _ in pairs]).astype(np.float64)
    found_classes = np.concatenate([image.found.class_ids for image, _ in pairs])
    hits, counted = (np.concatenate([one[k] for one in judged], axis=1) for k in (0, 1))
    owners = np.repeat(np.arange(len(pairs)), counts)
    rankings = []
    for class_id in range(classes):
        own = np.flatnonzero(found_classes == class_id)
        order = own[np.argsort(-scores[own], kind='stable')]
        positives = [
            np.count_nonzero((image.true.class_ids == class_id) & ~_outside(o.true_areas, area))
            for image, o in pairs
        ]
        rankings.append(
            Ranking(
                scores=scores[order],
                hits=hits[:, order],
                counted=counted[:, order],
                images=owners[order],
                positives=np.array(positives, np.intp),
            )
        )
    return rankings


def _judge(
    image: ImageComparison, overlap: Overlap, *, area: tuple[float, float]
) -> tuple[Bools, Bools]:
    """Return which predictions hit and which count (10, predictions), at each IoU of `IOUS`."""
    iou = np.where(image.same_class, overlap.iou, -1.0)
    ignored = _outside(overlap.true_areas, area)
    stray = _outside(overlap.found_areas, area)
    second_choice = ignored if ignored.any() else None
    taken = np.array(
        [assign(iou, least_iou=least, second_choice=second_choice) for least in IOUS]
    ).reshape(len(IOUS), -1)
    hits = taken >= 0
    on_ignored = np.append(ignored, False)[taken]  # -1, no target, is the last one
    return hits, ~on_ignored & (hits | ~stray)


def _outside(areas: npt.NDArray[np.float64], area: tuple[float, float]) -> Bools:
    return (areas < area[0]) | (areas > area[1])
