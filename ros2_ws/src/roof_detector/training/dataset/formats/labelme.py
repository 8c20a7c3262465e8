# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""labelme: one JSON file per image, shapes in pixels; imageData is ignored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.image_bytes import decoded_mask, mask_outlines
from training.dataset.json_file import documents, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    ellipse,
    raw_box,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'labelme'


def read_labelme(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; a shape without a type is a polygon, as in labelme before 3.0."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        content = document.content
        shapes = content.get('shapes')
        if not isinstance(shapes, list):
            log.fault('json', file, "has no list 'shapes'; it is not a labelme file.")
            continue
        stated = content.get('imagePath')
        image = RawImage(
            file=file,
            name=stated if isinstance(stated, str) and stated.strip() else file.stem,
            size_wh=sized(content.get('imageWidth'), content.get('imageHeight')),
        )
        for number, shape in enumerate(shapes):
            line = document.line('shapes', number)
            image.collect_one(shape, _shape, log, place=f'shapes[{number}]', line=line)
        yield image


def _shape(shape: dict[str, Any]) -> RawObject:
    name, points = shape.get('label'), shape.get('points') or []
    kind = str(shape.get('shape_type') or 'polygon')
    corners = np.array(points, dtype=np.float64).reshape(-1, 2)
    if kind in {'polygon', 'oriented_rectangle', 'rotation'}:
        return raw_outlines(name, [corners])
    if kind == 'rectangle' and len(corners) >= 2:
        low, high = corners.min(0), corners.max(0)
        return raw_box(name, (*low, *high))
    if kind == 'circle' and len(corners) == 2:
        radius = math.dist(corners[0], corners[1])
        return raw_outlines(name, [ellipse(corners[0].tolist(), (radius, radius))])
    if kind == 'mask' and len(corners) == 2:
        x, y = corners[0].tolist()
        return raw_outlines(name, mask_outlines(decoded_mask(shape.get('mask')), (x, y)))
    if kind in {'point', 'points', 'line', 'linestrip'}:
        msg = f'{name!r} is a {kind}, which'
        raise refused(msg)
    msg = f'the {kind} {name!r} has {len(corners)} points; export it again.'
    raise LabelError(msg, 'shape')


FORMAT = Format(
    key=KIND,
    title='labelme',
    holds='polygons, rectangles, circles, masks; points and lines are refused by name',
    read=read_labelme,
    json=lambda content: isinstance(content, dict) and {'shapes', 'imagePath'} <= content.keys(),
    tokens=('"shapes"', '"imagePath"'),
)
