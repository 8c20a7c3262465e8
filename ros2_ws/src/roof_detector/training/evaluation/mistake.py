# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a model missed and what it saw where nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.evaluation.compared_picture import ComparedPicture
from training.evaluation.confusion import LEAST_IOU, pair

_TOUCHING_IOU = 0.1  # a box that overlaps less is about something else


@dataclass(frozen=True, eq=False)
class Mistake:
    """Hold one mistake: the box it is about, its likely cause, and its score if it was found."""

    picture: ComparedPicture
    name: str
    box_xyxy: npt.NDArray[np.floating[Any]]
    cause: str
    score: float | None = None

    @property
    def longest_side(self) -> float:
        """Return the longer side of the box in pixels."""
        return float(max(self.box_xyxy[2:] - self.box_xyxy[:2]))


def misses(
    pictures: Sequence[ComparedPicture], names: tuple[str, ...], *, confidence: float
) -> list[Mistake]:
    """Return what is there and was not found above the confidence, the largest first."""
    found = [m for one in pictures for m in _misses_in(one, names, confidence=confidence)]
    return sorted(found, key=lambda mistake: -mistake.longest_side)


def false_alarms(
    pictures: Sequence[ComparedPicture], names: tuple[str, ...], *, confidence: float
) -> list[Mistake]:
    """Return what was found above the confidence and is not there, the surest first."""
    found = [m for one in pictures for m in _false_alarms_in(one, names, confidence=confidence)]
    return sorted(found, key=lambda mistake: -(mistake.score or 0.0))


def _misses_in(
    picture: ComparedPicture, names: tuple[str, ...], *, confidence: float
) -> Iterator[Mistake]:
    taken = pair(picture, confidence=confidence)
    right = [j for i, j in enumerate(taken) if j >= 0 and picture.same_class[i, j]]
    taken_for = {int(j): i for i, j in enumerate(taken) if j >= 0 and not picture.same_class[i, j]}
    for j in sorted(set(range(len(picture.true))) - set(right)):
        same = picture.same_class[:, j]
        near = np.where(same, picture.boxes.iou[:, j], 0.0)
        shy = near[len(taken) :] >= LEAST_IOU
        if j in taken_for:
            row = taken_for[j]
            other = names[picture.found.class_ids[row]]
            cause = f'taken for {other} {picture.found.scores[row]:.2f}'
        elif (near[: len(taken)] >= _TOUCHING_IOU).any():
            cause = f'box fits badly, IoU {near[: len(taken)].max():.2f}'
        elif shy.any():
            cause = f'seen, but scored {picture.found.scores[len(taken) :][shy].max():.2f}'
        else:
            cause = 'not seen'
        name = names[picture.true.class_ids[j]]
        yield Mistake(picture, name, picture.true.boxes_xyxy[j], cause)


def _false_alarms_in(
    picture: ComparedPicture, names: tuple[str, ...], *, confidence: float
) -> Iterator[Mistake]:
    taken = pair(picture, confidence=confidence)
    for i, j in enumerate(taken):
        same = picture.same_class[i]
        if j >= 0 and same[j]:
            continue
        near = picture.boxes.iou[i]
        if j >= 0:
            cause = f'is {names[picture.true.class_ids[j]]}'
        elif (near[same] >= LEAST_IOU).any():
            cause = 'second box on one thing'
        elif (near[same] >= _TOUCHING_IOU).any():
            cause = f'box fits badly, IoU {near[same].max():.2f}'
        elif _centre_within(picture, i):
            cause = f'part of a larger {names[picture.found.class_ids[i]]}'
        else:
            cause = 'nothing labelled'
        yield Mistake(
            picture,
            names[picture.found.class_ids[i]],
            picture.found.boxes_xyxy[i],
            cause,
            float(picture.found.scores[i]),
        )


def _centre_within(picture: ComparedPicture, i: int) -> bool:
    """Tell whether a found box has its centre in a true one of its class."""
    true_xyxy = picture.true.boxes_xyxy[picture.same_class[i]]
    box = picture.found.boxes_xyxy[i]
    centre = (box[:2] + box[2:]) / 2
    within = (true_xyxy[:, :2] <= centre) & (centre <= true_xyxy[:, 2:])
    return bool(within.all(axis=1).any())
