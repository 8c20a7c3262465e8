# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Instance masks in a bag, beside the detections that they belong to.

No common message holds masks that may overlap, so a std_msgs/String holds them as JSON: one object
for each detection of the same frame, in the same order, with the corner of its window in the image
(`x`, `y`) and COCO's compressed run lengths within it (`size` as height and width, `counts`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.vision.errors import VisionError
from roof_detector.vision.recorded_masks import MaskCrop, RecordedMasks

if TYPE_CHECKING:
    from roof_detector.vision.detections import Detections

MASKS = 'std_msgs/msg/String'


def masks_bytes(detections: Detections) -> bytes:
    """Return the masks of detections as a message; of a network without masks, no bytes."""
    if detections.masks is None and len(detections):
        return b''
    windows = () if detections.masks is None else detections.masks.windows()
    crops = [MaskCrop.of(window, inside) for window, inside in windows]
    rows = [
        {
            'x': crop.corner_xy[0],
            'y': crop.corner_xy[1],
            'size': [crop.size_wh[1], crop.size_wh[0]],
            'counts': crop.counts,
        }
        for crop in crops
    ]
    return message_bytes(MASKS, {'data': json.dumps(rows, separators=(',', ':'))})


def read_masks(message: Any, detections: Detections, *, size_wh: tuple[int, int]) -> RecordedMasks:
    """Return the masks that `masks_bytes` wrote, with the boxes of their detections.

    Raises BagError where they do not belong to these detections.
    """
    try:
        crops = tuple(_crop(row, size_wh) for row in json.loads(message.data))
        return RecordedMasks(crops=crops, boxes_xyxy=detections.boxes_xyxy, image_wh=size_wh)
    except (ValueError, TypeError, KeyError, VisionError) as error:
        msg = f'The masks of {len(detections)} detections cannot be read: {error}'
        raise BagError(msg) from error


def _crop(row: dict[str, Any], size_wh: tuple[int, int]) -> MaskCrop:
    height, width = row['size']
    crop = MaskCrop((int(row['x']), int(row['y'])), (int(width), int(height)), str(row['counts']))
    crop.check(size_wh)
    return crop
