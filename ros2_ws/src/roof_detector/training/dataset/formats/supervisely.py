# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Supervisely: ann/IMAGE.json beside img/IMAGE, in pixels, and a meta.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.image_bytes import decoded_mask, mask_outlines
from training.dataset.json_file import documents, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    raw_box,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'supervisely'


def read_supervisely(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; the classes are numbered as in meta.json."""
    return assemble(KIND, _images(files, log), root, log, names=names, declared=_declared(root))


def _declared(root: Path) -> list[str]:
    for file in (root / 'meta.json', root.parent / 'meta.json'):
        try:
            classes = json.loads(file.read_text(encoding='utf-8-sig'))['classes']
            return [str(one['title']) for one in classes]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return []


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        size = document.content.get('size')
        wh = sized(size.get('width'), size.get('height')) if isinstance(size, dict) else None
        image = RawImage(file=file, name=file.stem, size_wh=wh)
        for number, entry in enumerate(document.content.get('objects') or []):
            line = document.line('objects', number)
            image.collect_one(entry, _object, log, place=f'objects[{number}]', line=line)
        yield image


def _object(entry: dict[str, Any]) -> RawObject:
    name, kind = entry.get('classTitle'), entry.get('geometryType')
    if kind == 'bitmap':
        packed = entry['bitmap']
        x, y = packed['origin']
        mask = decoded_mask(packed['data'], compressed=True)
        return raw_outlines(name, mask_outlines(mask, (float(x), float(y))))
    if kind in {'point', 'line', 'polyline', 'graph', 'cuboid'}:
        msg = f'{name!r} is a {kind}, which'
        raise refused(msg)
    outline = entry['points']['exterior']
    if kind == 'rectangle':
        (x0, y0), (x1, y1) = outline
        return raw_box(name, (x0, y0, x1, y1))
    if kind == 'polygon':
        return raw_outlines(name, [outline])
    msg = f'{name!r} is of the unknown kind {kind!r}; export it as polygons.'
    raise LabelError(msg, 'shape')


def _is_supervisely(content: Any) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get('objects'), list):
        return False
    size = content.get('size')
    return isinstance(size, dict) and {'width', 'height'} <= size.keys()


FORMAT = Format(
    key=KIND,
    title='Supervisely',
    holds='rectangles, polygons (holes are filled), bitmaps; points and lines are refused by name',
    read=read_supervisely,
    json=_is_supervisely,
    tokens=('"objects"', '"classTitle"'),
)
