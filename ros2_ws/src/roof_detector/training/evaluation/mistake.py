# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The mistakes of a model: missed targets and false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.evaluation.confusion import LEAST_IOU, pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.evaluation.image_comparison import ImageComparison

_TOUCHING_IOU = 0.1  # a box that overlaps less is about another object


@dataclass(frozen=True, eq=False, kw_only=True)
class Mistake:
    """One mistake: its box, its likely cause, and its confidence if it is a prediction."""

    image: ImageComparison
    name: str
    box_xyxy: npt.NDArray[np.floating[Any]]
    cause: str
    score: float | None = None

    @property
    def longest_side(self) -> float:
        """Return the longer side of the box in pixels."""
        return float(max(self.box_xyxy[2:] - self.box_xyxy[:2]))


def misses(
    images: Sequence[ImageComparison], names: tuple[str, ...], *, confidence: float
) -> list[Mistake]:
    """Return the targets without a prediction above the confidence, the largest first."""
    found = [m for one in images for m in _misses_in(one, names, confidence=confidence)]
    return sorted(found, key=lambda mistake: -mistake.longest_side)


def false_alarms(
    images: Sequence[ImageComparison], names: tuple[str, ...], *, confidence: float
) -> list[Mistake]:
    """Return predictions without a target in descending order of confidence."""
    found = [m for one in images for m in _false_alarms_in(one, names, confidence=confidence)]
    return sorted(found, key=lambda mistake: -(mistake.score or 0.0))


def _misses_in(
    image: ImageComparison, names: tuple[str, ...], *, confidence: float
) -> Iterator[Mistake]:
    taken = pair(image, confidence=confidence)
    right = [j for i, j in enumerate(taken) if j >= 0 and image.same_class[i, j]]
    taken_for = {int(j): i for i, j in enumerate(taken) if j >= 0 and not image.same_class[i, j]}
    for j in sorted(set(range(len(image.true))) - set(right)):
        same = image.same_class[:, j]
        near = np.where(same, image.boxes.iou[:, j], 0.0)
        shy = near[len(taken) :] >= LEAST_IOU
        if j in taken_for:
            row = taken_for[j]
            other = names[image.found.class_ids[row]]
            cause = f'taken for {other} {image.found.scores[row]:.2f}'
        elif (near[: len(taken)] >= _TOUCHING_IOU).any():
            cause = f'box fits badly, IoU {near[: len(taken)].max():.2f}'
        elif shy.any():
            cause = f'seen, but scored {image.found.scores[len(taken) :][shy].max():.2f}'
        else:
            cause = 'not seen'
        name = names[image.true.class_ids[j]]
        yield Mistake(image=image, name=name, box_xyxy=image.true.boxes_xyxy[j], cause=cause)


def _false_alarms_in(
    image: ImageComparison, names: tuple[str, ...], *, confidence: float
) -> Iterator[Mistake]:
    taken = pair(image, confidence=confidence)
    for i, j in enumerate(taken):
        same = image.same_class[i]
        if j >= 0 and same[j]:
            continue
        near = image.boxes.iou[i]
        if j >= 0:
            cause = f'is {names[image.true.class_ids[j]]}'
        elif (near[same] >= LEAST_IOU).any():
            cause = 'second box on one object'
        elif (near[same] >= _TOUCHING_IOU).any():
            cause = f'box fits badly, IoU {near[same].max():.2f}'
        elif _centre_within(image, i):
            cause = f'part of a larger {names[image.found.class_ids[i]]}'
        else:
            cause = 'nothing labelled'
        yield Mistake(
            image=image,
            name=names[image.found.class_ids[i]],
            box_xyxy=image.found.boxes_xyxy[i],
            cause=cause,
            score=float(image.found.scores[i]),
        )


def _centre_within(image: ImageComparison, i: int) -> bool:
    """Return whether a prediction has its centre in a target of its class."""
    true_xyxy = image.true.boxes_xyxy[image.same_class[i]]
    box = image.found.boxes_xyxy[i]
    centre = (box[:2] + box[2:]) / 2
    within = (true_xyxy[:, :2] <= centre) & (centre <= true_xyxy[:, 2:])
    return bool(within.all(axis=1).any())
