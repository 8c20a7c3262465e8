# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""COCO JSON of images with boxes, for any tool that reads COCO."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.learning.frame_labels import FrameLabels, LabelBox

LABELS = 'annotations.json'


def write_coco(
    folder: Path, frames: Sequence[FrameLabels], names: Sequence[str], images: str
) -> list[Path]:
    """Write one file, whose images are named as in the folder of images."""
    ids = {name: number for number, name in enumerate(names, start=1)}
    boxes = [(place, box) for place, frame in enumerate(frames, start=1) for box in frame.boxes]
    content = {
        'info': {'description': 'Pre-labels of roof_detector', 'images': images},
        'licenses': [],
        'categories': [{'id': k, 'name': name, 'supercategory': ''} for name, k in ids.items()],
        'images': [
            {'id': k, 'file_name': one.name, 'width': one.size_wh[0], 'height': one.size_wh[1]}
            for k, one in enumerate(frames, start=1)
        ],
        'annotations': [
            _annotation(k, image_id, box, ids) for k, (image_id, box) in enumerate(boxes, start=1)
        ],
    }
    file = folder / LABELS
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    return [file]


def _annotation(number: int, image_id: int, box: LabelBox, ids: dict[str, int]) -> dict[str, Any]:
    left, top, right, bottom = box.box_xyxy
    width, height = right - left, bottom - top
    entry = {
        'id': number,
        'image_id': image_id,
        'category_id': ids[box.class_name],
        'bbox': [left, top, width, height],
        'area': width * height,
        'iscrowd': 0,
        'segmentation': [],
    }
    facts = {'confidence': box.confidence, 'finding': box.finding}
    known = {name: value for name, value in facts.items() if value is not None}
    return {**entry, 'attributes': known} if known else entry
