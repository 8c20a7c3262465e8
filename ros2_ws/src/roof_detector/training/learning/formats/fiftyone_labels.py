# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""FiftyOne's image detection data set: labels.json beside a folder data with the images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.learning.frame_labels import FrameLabels, LabelBox

LABELS = 'labels.json'


def write_fiftyone(
    folder: Path, frames: Sequence[FrameLabels], names: Sequence[str], images: str
) -> list[Path]:
    """Write the labels; the images are named by the stems of their files."""
    ids = {name: number for number, name in enumerate(names)}
    labels = {
        frame.stem: [_detection(box, frame.size_wh, ids) for box in frame.boxes]
        for frame in frames
    }
    file = folder / LABELS
    content = {'info': {'images': images}, 'classes': list(names), 'labels': labels}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    file.write_text(f'{text}\n', encoding='utf-8')
    return [file]


def _detection(box: LabelBox, size_wh: tuple[int, int], ids: dict[str, int]) -> dict[str, Any]:
    left, top, right, bottom = box.box_xyxy
    width, height = size_wh
    entry: dict[str, Any] = {
        'label': ids[box.class_name],
        'bounding_box': [
            left / width,
            top / height,
            (right - left) / width,
            (bottom - top) / height,
        ],
    }
    if box.confidence is not None:
        entry['confidence'] = box.confidence
    if box.finding is not None:
        entry['attributes'] = {'finding': box.finding}
    return entry
