# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The formats that pre-labels are written in, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from training.learning.errors import LearningError
from training.learning.formats.coco_labels import write_coco
from training.learning.formats.cvat_labels import write_cvat
from training.learning.formats.fiftyone_labels import write_fiftyone
from training.learning.formats.label_studio_labels import write_label_studio
from training.learning.formats.yolo_labels import write_yolo
from training.learning.frame_labels import FrameLabels

# Each takes an empty folder, the frames, the class names, and where the images lie from there.
LabelWriter = Callable[[Path, Sequence[FrameLabels], Sequence[str], str], list[Path]]
WRITERS: dict[str, LabelWriter] = {
    'coco': write_coco,
    'cvat': write_cvat,
    'fiftyone': write_fiftyone,
    'label_studio': write_label_studio,
    'yolo': write_yolo,
}


def check_label_formats(names: Sequence[str]) -> None:
    """Raise LearningError for a format that nothing writes."""
    unknown = [name for name in names if name not in WRITERS]
    if unknown:
        msg = f'Labels cannot be written as {", ".join(unknown)}; choose of {", ".join(WRITERS)}.'
        raise LearningError(msg)
