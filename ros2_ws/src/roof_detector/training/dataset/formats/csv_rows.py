# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""CSV without a header: RetinaNet (path, box, class) and Google AutoML."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.labelled_set import IMAGE_SUFFIXES
from training.dataset.raw_labels import LabelError, RawImage, RawObject, raw_box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

_AUTOML_SPLITS = {'TRAIN', 'TRAINING', 'VALIDATION', 'VALIDATE', 'TEST', 'UNASSIGNED'}
_SPLITS = {'VALIDATE': 'val', 'UNASSIGNED': None}


def read_retinanet(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read rows of path, x0, y0, x1, y1, class in pixels; an image without objects has a path."""
    return assemble('retinanet', _images(files, log, automl=False), root, log, names=names)


def read_automl(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read rows of split, URL, class, x0, y0, , , x1, y1 in shares."""
    return assemble('automl', _images(files, log, automl=True), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog, *, automl: bool) -> Iterator[RawImage]:
    for file in files:
        images: dict[str, RawImage] = {}
        with file.open(encoding='utf-8-sig', errors='replace', newline='') as stream:
            reader = csv.reader(stream)
            for values in reader:
                row = [value.strip() for value in values]
                if not any(row):
                    continue
                line = reader.line_num
                split = row.pop(0) if automl and row[0].upper() in _AUTOML_SPLITS else None
                known = _SPLITS.get(split.upper(), split) if split else None
                image = images.setdefault(
                    row[0], RawImage(file=file, name=row[0], size_wh=None, split=known, line=line)
                )
                if not any(row[1:]):
                    continue
                read = _automl_object if automl else _object
                image.collect_one(row, read, log, place='the row', line=line)
        yield from images.values()


def _object(row: list[Any]) -> RawObject:
    if len(row) != 6:
        msg = f'it has {len(row)} fields; path, box and class are 6.'
        raise LabelError(msg, 'fields')
    return raw_box(row[5], row[1:5])


def _automl_object(row: list[Any]) -> RawObject:
    if len(row) < 8:
        msg = 'fields'
        raise LabelError(msg, f'it has {len(row)} fields after the split, not 8 or more.')
    corners = [float(value) for value in row[2:] if value]
    if len(corners) not in (4, 8):
        msg = f'it has {len(corners)} coordinates; a box has 2 or 4 corners.'
        raise LabelError(msg, 'fields')
    xs, ys = corners[::2], corners[1::2]
    return raw_box(row[1], (min(xs), min(ys), max(xs), max(ys)), in_shares=True)


def _is_retinanet(rows: list[list[str]]) -> bool:
    for row in rows:
        if len(row) == 6 and _is_image(row[0]):
            if any(row[1:]):
                return all(_is_number(value) for value in row[1:5])
        else:
            return False
    return False


def _is_automl(rows: list[list[str]]) -> bool:
    row = rows[0][1:] if rows[0][0].upper() in _AUTOML_SPLITS else rows[0]
    return len(row) >= 8 and _is_image(row[0]) and _is_number(row[2]) and _is_number(row[3])


def _is_image(text: str) -> bool:
    return text.strip().lower().endswith(tuple(IMAGE_SUFFIXES))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


RETINANET = Format(
    key='retinanet',
    title='RetinaNet CSV without a header',
    holds='boxes',
    read=read_retinanet,
    table=_is_retinanet,
)
AUTOML = Format(
    key='automl', title='Google AutoML CSV', holds='boxes', read=read_automl, table=_is_automl
)
