# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""BDD100K and Scalabel: a JSON list of frames with box2d and poly2d, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.coco_annotation import run_length_mask
from training.dataset.formats.format import Format
from training.dataset.image_bytes import mask_outlines
from training.dataset.json_file import documents, is_list_of
from training.dataset.raw_labels import (
    RawImage,
    RawObject,
    SkippedLabel,
    raw_box,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'bdd'


def read_bdd(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        key = 'frames' if 'frames' in document.content else ''
        for number, frame in enumerate(document.content.get(key) or []):
            line = document.line(key, number)
            if not isinstance(frame, dict) or not frame.get('name'):
                log.fault('json', file, f'[{number}] names no image.', line=line)
                continue
            image = RawImage(file=file, name=str(frame['name']), line=line)
            found = frame.get('labels') or []
            image.collect(found, _object, log, place=f'[{number}].labels', line=line)
            yield image


def _object(entry: dict[str, Any]) -> RawObject:
    name = entry.get('category')
    if outlines := entry.get('poly2d'):
        if not outlines[0].get('closed', True):
            msg = f'{name!r} is an open line, which'
            raise refused(msg)
        return raw_outlines(name, [one['vertices'] for one in outlines])
    if runs := entry.get('rle'):
        height, width = runs['size']
        return raw_outlines(name, mask_outlines(run_length_mask(runs, (width, height))))
    if box := entry.get('box2d'):
        return raw_box(name, [box[key] for key in ('x1', 'y1', 'x2', 'y2')])
    msg = 'labels without a shape in the image'
    raise SkippedLabel(msg)


def _is_bdd(content: Any) -> bool:
    frames = content.get('frames') if isinstance(content, dict) else content
    if not isinstance(frames, list) or not is_list_of(frames, 'name', 'labels'):
        return False
    for frame in frames:
        for one in (frame.get('labels') if isinstance(frame, dict) else None) or []:
            return isinstance(one, dict) and 'category' in one
    return True


FORMAT = Format(
    key=KIND,
    title='BDD100K and Scalabel JSON',
    holds='boxes, closed polygons, run-length masks; open lines are refused by name',
    read=read_bdd,
    json=_is_bdd,
    tokens=('"box2d"', '"category"'),
)
