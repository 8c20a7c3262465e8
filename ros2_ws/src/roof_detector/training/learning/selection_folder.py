# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The folder of a selection: images, pre-labels in each format, and selection.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from roof_detector.results.errors import ExportError
from training.learning.errors import LearningError
from training.learning.formats.writers import WRITERS
from training.learning.frame_labels import FrameLabels, label_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

SELECTION, IMAGES = 'selection.json', 'images'
FORMAT = 1
_QUALITY = 95  # as sets are written for training


@dataclass(frozen=True, kw_only=True)
class SelectedFrame:
    """A frame that was chosen: its labels, where it is from, and why it was chosen.

    `key` is its flight, topic, name and stamp, by which a later selection leaves it out;
    `place_deg` latitude and longitude of what it showed.
    """

    labelled: FrameLabels
    inspection: str
    key: tuple[str, str, str, int]
    score: float
    reasons: dict[str, float]
    place_deg: tuple[float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        flight, topic, name, stamp_ns = self.key
        return {
            'image': self.labelled.name,
            'size_wh': list(self.labelled.size_wh),
            'inspection': self.inspection,
            'flight': flight,
            'topic': topic,
            'name': name,
            'stamp_ns': stamp_ns,
            'place_deg': None if self.place_deg is None else list(self.place_deg),
            'score': round(self.score, 4),
            'reasons': self.reasons,
            'labels': [asdict(one) for one in self.labelled.boxes],
        }


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The frames of a selection and the names of its classes, in the model's order."""

    names: tuple[str, ...]
    frames: tuple[SelectedFrame, ...]


def write_image(folder: Path, name: str, image_bgr: npt.NDArray[np.uint8]) -> None:
    """Write an image of a selection as JPEG; raise ExportError where that fails."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    encoded = cv2.imencode('.jpg', image_bgr, quality)[1]
    try:
        (folder / IMAGES / name).write_bytes(encoded.tobytes())
    except OSError as error:
        msg = f'{folder / IMAGES / name} cannot be written ({error.strerror}); free some space.'
        raise ExportError(msg) from error


def write_selection(
    folder: Path, selection: Selection, *, formats: Sequence[str], facts: dict[str, Any]
) -> None:
    """Write selection.json and the pre-labels; the images lie in the folder already."""
    content = {
        'format': FORMAT,
        **facts,
        'class_names': list(selection.names),
        'frames': [one.as_dict() for one in selection.frames],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / SELECTION).write_text(f'{text}\n', encoding='utf-8')
    frames = [one.labelled for one in selection.frames]
    for name in formats:
        place = folder / name
        place.mkdir()
        WRITERS[name](place, frames, selection.names, f'../{IMAGES}')


def read_selection(folder: Path) -> Selection:
    """Read the selection of a folder; raise LearningError."""
    file = folder / SELECTION if folder.is_dir() else folder
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, 'strerror', None) or error
        msg = f'{file} is no selection ({reason}); name a folder of "roof_detector learn select".'
        raise LearningError(msg) from error
    version = content.get('format') if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT:
        msg = (
            f'{file} has format {version}, this version of roof_detector knows up to {FORMAT}; '
            'update roof_detector.'
        )
        raise LearningError(msg)
    try:
        names = tuple(str(one) for one in content['class_names'])
        frames = tuple(_frame(one) for one in content['frames'])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f'{file} is damaged ({error!r}); restore it from a copy, or select again.'
        raise LearningError(msg) from error
    return Selection(names=names, frames=frames)


def _frame(values: dict[str, Any]) -> SelectedFrame:
    name = str(values['image'])
    if Path(name).name != name:
        msg = f'the image {name!r} is no plain file name'
        raise ValueError(msg)
    width, height = (int(side) for side in values['size_wh'])
    boxes = (
        label_box(
            str(one['class_name']),
            one['box_xyxy'],
            (width, height),
            confidence=one.get('confidence'),
            finding=one.get('finding'),
        )
        for one in values['labels']
    )
    place = values.get('place_deg')
    return SelectedFrame(
        labelled=FrameLabels(
            name=name, size_wh=(width, height), boxes=tuple(one for one in boxes if one)
        ),
        inspection=str(values['inspection']),
        key=(
            *(str(values['flight']), str(values['topic']), str(values['name'])),
            int(values['stamp_ns']),
        ),
        score=float(values['score']),
        reasons={str(key): float(value) for key, value in values['reasons'].items()},
        place_deg=None if place is None else (float(place[0]), float(place[1])),
    )
