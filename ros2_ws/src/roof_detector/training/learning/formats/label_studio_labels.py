# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Label Studio: tasks with predictions that an annotator accepts or corrects, and its set-up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.learning.frame_labels import FrameLabels, LabelBox

LABELS = 'tasks.json'
_MODEL = 'roof_detector'


def write_label_studio(
    folder: Path, frames: Sequence[FrameLabels], names: Sequence[str], images: str
) -> list[Path]:
    """Write the tasks, whose images Label Studio serves as local files, and the label set-up."""
    tasks = [_task(number, frame, images) for number, frame in enumerate(frames, start=1)]
    file, setup = folder / LABELS, folder / 'label_config.xml'
    text = json.dumps(tasks, indent=1, ensure_ascii=False)
    file.write_text(f'{text}\n', encoding='utf-8')
    listed = ''.join(f'    <Label value={quoteattr(name)}/>\n' for name in names)
    setup.write_text(
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        '  <RectangleLabels name="label" toName="image">\n'
        f'{listed}  </RectangleLabels>\n</View>\n',
        encoding='utf-8',
    )
    return [file, setup]


def _task(number: int, frame: FrameLabels, images: str) -> dict[str, Any]:
    scores = [box.confidence for box in frame.boxes if box.confidence is not None]
    return {
        'id': number,
        'data': {'image': f'/data/local-files/?d={quote(f"{images}/{frame.name}")}'},
        'annotations': [],
        'predictions': [
            {
                'model_version': _MODEL,
                'score': min(scores, default=1.0),
                'result': [
                    _region(f'{number}-{k}', box, frame.size_wh)
                    for k, box in enumerate(frame.boxes)
                ],
            }
        ],
    }


def _region(identity: str, box: LabelBox, size_wh: tuple[int, int]) -> dict[str, Any]:
    left, top, right, bottom = box.box_xyxy
    width, height = size_wh
    region: dict[str, Any] = {
        'id': identity,
        'type': 'rectanglelabels',
        'from_name': 'label',
        'to_name': 'image',
        'original_width': width,
        'original_height': height,
        'image_rotation': 0,
        'value': {
            'x': left / width * 100,
            'y': top / height * 100,
            'width': (right - left) / width * 100,
            'height': (bottom - top) / height * 100,
            'rotation': 0,
            'rectanglelabels': [box.class_name],
        },
    }
    if box.confidence is not None:
        region['score'] = box.confidence
    if box.finding is not None:
        region['meta'] = {'text': [f'finding {box.finding}']}
    return region
