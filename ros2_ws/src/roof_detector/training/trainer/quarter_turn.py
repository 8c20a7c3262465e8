# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rotation of an image and its labels by quarter turns, exact for pixels and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from ultralytics.utils.instance import Instances


def turn(label: dict[str, Any], quarters: int) -> dict[str, Any]:
    """Return a label of ultralytics with its image rotated anticlockwise.

    `label` holds img (h, w, 3) and instances, normalised; its arrays are not modified.
    """
    quarters %= 4
    if not quarters:
        return label
    image = np.ascontiguousarray(np.rot90(label['img'], quarters))
    instances = label['instances']
    instances.convert_bbox('xywh')
    boxes, outlines = instances.bboxes, instances.segments
    for _ in range(quarters):
        x, y, width, height = boxes.T
        boxes = np.stack((y, 1 - x, height, width), axis=1)
        outlines = np.stack((outlines[..., 1], 1 - outlines[..., 0]), axis=-1)
    turned = Instances(boxes, outlines, None, bbox_format='xywh', normalized=True)
    old_shape = label['ori_shape']
    return {
        **label,
        'img': image,
        'instances': turned,
        'resized_shape': image.shape[:2],
        'ori_shape': old_shape[::-1] if quarters % 2 else old_shape,
    }
