# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A YOLO set of labelled frames, which training and "dataset" read."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.dataset.yolo_writer import fresh_folder
from training.learning.errors import LearningError
from training.learning.formats.yolo_labels import write_yolo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.learning.frame_labels import FrameLabels

RECORD = 'labels.json'
IMAGES = Path('images', 'all')


@dataclass(frozen=True, kw_only=True)
class LabelSetOutcome:
    """What was written."""

    output: Path
    frames: int
    boxes: int
    empty: int

    def line(self) -> str:
        """Return the line to print for the user."""
        return (
            f'{self.frames} frames with {self.boxes} labels ({self.empty} show nothing); see '
            f'{self.output}.'
        )


def write_label_set(
    output: Path,
    frames: Sequence[FrameLabels],
    names: Sequence[str],
    images: Path,
    *,
    record: Mapping[str, Any],
    overwrite: bool = False,
) -> LabelSetOutcome:
    """Write a set of frames whose images lie in a folder; raise LearningError or DatasetError."""
    used = {box.class_name for frame in frames for box in frame.boxes}
    order = (*names, *sorted(used - set(names)))
    if not frames:
        msg = f'No frame is labelled, so {output} is not written.'
        raise LearningError(msg)
    with fresh_folder(output, overwrite=overwrite) as folder:
        (folder / IMAGES).mkdir(parents=True)
        for frame in frames:
            shutil.copyfile(images / frame.name, folder / IMAGES / frame.name)
        write_yolo(folder, frames, order, IMAGES.as_posix())
        text = json.dumps({**record, 'class_names': list(order)}, indent=1, ensure_ascii=False)
        (folder / RECORD).write_text(f'{text}\n', encoding='utf-8')
    return LabelSetOutcome(
        output=output,
        frames=len(frames),
        boxes=sum(len(one.boxes) for one in frames),
        empty=sum(not one.boxes for one in frames),
    )
