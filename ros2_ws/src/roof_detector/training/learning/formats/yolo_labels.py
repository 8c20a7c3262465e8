# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""YOLO text files of boxes with a data.yaml, as CVAT, Label Studio and Roboflow import them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.yolo_writer import write_data_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.learning.frame_labels import FrameLabels

_FOLDER = Path('labels', 'all')
_IMAGES = 'images/all'
# A millionth, as usual, is a hundredth of a pixel in an image of 10 000: too coarse to be exact.
_DIGITS = 10


def write_yolo(
    folder: Path, frames: Sequence[FrameLabels], names: Sequence[str], images: str
) -> list[Path]:
    """Write a text file for each image, an empty one where it shows nothing, and data.yaml."""
    (folder / _FOLDER).mkdir(parents=True)
    ids = {name: number for number, name in enumerate(names)}
    files = []
    for frame in frames:
        width, height = frame.size_wh
        lines = []
        for box in frame.boxes:
            left, top, right, bottom = box.box_xyxy
            shares = (
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            )
            numbers = ' '.join(f'{value:.{_DIGITS}f}' for value in shares)
            lines.append(f'{ids[box.class_name]} {numbers}\n')
        file = folder / _FOLDER / f'{frame.stem}.txt'
        file.write_text(''.join(lines))
        files.append(file)
    described = folder / 'data.yaml'
    remark = f'The images lie in {images}; copy them to {_IMAGES} for tools that want them here.'
    write_data_yaml(described, tuple(names), {'train': _IMAGES}, remark=remark)
    return [described, *files]
