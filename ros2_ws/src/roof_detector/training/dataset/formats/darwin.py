# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""V7 Darwin JSON 1 and 2: one file per image, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import as_object, documents, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    SkippedLabel,
    ellipse,
    raw_box_wh,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'darwin'
_WITHOUT_AREA = ('keypoint', 'line', 'skeleton', 'cuboid', 'simple_table')


def read_darwin(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        item = as_object(document.content.get('item') or document.content.get('image'))
        slots = item.get('slots')
        first = as_object(slots[0]) if isinstance(slots, list) and slots else item
        name = str(item.get('name') or item.get('filename') or file.stem)
        folder = str(item.get('path') or '').strip('/')
        image = RawImage(
            file=file,
            name=f'{folder}/{name}' if folder else name,
            size_wh=sized(first.get('width'), first.get('height')),
        )
        for number, entry in enumerate(document.content.get('annotations') or []):
            line = document.line('annotations', number)
            image.collect_one(entry, _object, log, place=f'annotations[{number}]', line=line)
        yield image


def _object(entry: dict[str, Any]) -> RawObject:
    name = entry.get('name')
    if 'polygon' in entry:
        polygon = entry['polygon']
        paths = polygon.get('paths') or [polygon['path']]
        return raw_outlines(name, [[(p['x'], p['y']) for p in path] for path in paths])
    if 'ellipse' in entry:
        shape = entry['ellipse']
        middle = shape['center']['x'], shape['center']['y']
        radii = shape['radius']['x'], shape['radius']['y']
        degrees = float(shape.get('angle') or 0) * 180 / 3.141592653589793
        return raw_outlines(name, [ellipse(middle, radii, degrees)])
    if without := next((key for key in _WITHOUT_AREA if key in entry), None):
        msg = f'{name!r} is a {without}, which'
        raise refused(msg)
    if 'frames' in entry:
        text = f'{name!r} is of a video; export its frames as images.'
        raise LabelError(text, 'shape')
    if 'mask' in entry or 'raster_layer' in entry:
        text = f"{name!r} is a mask in V7's raster layer; export COCO, where masks are runs."
        raise LabelError(text, 'shape')
    if 'bounding_box' in entry:
        box = entry['bounding_box']
        return raw_box_wh(name, [box[key] for key in ('x', 'y', 'w', 'h')])
    if 'tag' in entry:
        msg = 'labels of whole images'
        raise SkippedLabel(msg)
    msg = f'{name!r} has no known shape; export it as polygons.'
    raise LabelError(msg, 'shape')


def _is_darwin(content: Any) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get('annotations'), list):
        return False
    return any(
        isinstance(content.get(key), dict) and {'name', 'filename'} & content[key].keys()
        for key in ('item', 'image')
    )


FORMAT = Format(
    key=KIND,
    title='V7 Darwin JSON 1 and 2',
    holds='boxes, polygons, ellipses; keypoints, lines and raster masks are refused by name',
    read=read_darwin,
    json=_is_darwin,
    tokens=('"annotations"', '"bounding_box"', '"slot'),
)
