# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The removal of masks from a segmentation model: a detection model with the same boxes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ultralytics.nn.modules.head import Detect, Segment
from ultralytics.nn.tasks import DetectionModel, SegmentationModel

from roof_detector.blocks import DyHeadDetect, DyHeadSegment
from training.errors import TrainingError

_WITHOUT_MASKS = {Segment: Detect, DyHeadSegment: DyHeadDetect}
_MASK_PARTS = ('cv4', 'proto', 'nm', 'npr')


def without_masks(model: Any) -> DetectionModel:
    """Return a detection copy of a segmentation model; raise TrainingError for others.

    A mask head is a box head with two more branches, and its class is a child of the box head's
    class: without these branches, the parent's class fits the rest, weight by weight.
    """
    known = isinstance(model, SegmentationModel)
    head = model.model[-1] if known else None
    if type(head) not in _WITHOUT_MASKS:
        msg = (
            f'The model is a {type(model).__name__} with a {type(head).__name__}, expected a '
            'segmentation model, from which masks can be dropped.'
        )
        raise TrainingError(msg)
    plain: Any = deepcopy(model)
    head = plain.model[-1]
    for name in _MASK_PARTS:
        delattr(head, name)
    head.__class__ = _WITHOUT_MASKS[type(head)]
    head.type = f'{type(head).__module__}.{type(head).__name__}'
    head.np = sum(weights.numel() for weights in head.parameters())
    plain.__class__ = DetectionModel
    plain.task = 'detect'
    row = plain.yaml['head'][-1]
    options = [one for one in row[3][1:] if isinstance(one, dict)]
    row[2], row[3] = type(head).__name__, [row[3][0], *options]
    return plain
