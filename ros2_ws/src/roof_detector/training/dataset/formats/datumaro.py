# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Datumaro: annotations/SUBSET.json with items, in pixels, and images/SUBSET/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.coco_annotation import run_length_mask
from training.dataset.formats.format import Format
from training.dataset.image_bytes import mask_outlines
from training.dataset.json_file import documents, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    SkippedLabel,
    ellipse,
    raw_box_wh,
    raw_outlines,
    refused,
    rotated_box,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'datumaro'


def read_datumaro(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; the subset of each is its name."""
    declared: list[str] = []
    images = list(_images(files, log, declared))
    return assemble(KIND, images, root, log, names=names, declared=declared)


def _images(files: Sequence[Path], log: FaultLog, declared: list[str]) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        labels = _labels(document.content)
        declared += labels
        for number, item in enumerate(document.content.get('items') or []):
            line = document.line('items', number)
            if not isinstance(item, dict) or 'id' not in item:
                log.fault('json', file, f'items[{number}] has no id.', line=line)
                continue
            media = item.get('image') or item.get('media')
            media = media if isinstance(media, dict) else {}
            size = media.get('size')
            height, width = size if isinstance(size, list) and len(size) == 2 else (None, None)
            name = str(media.get('path') or item['id'])
            image = RawImage(
                file=file, name=name, size_wh=sized(width, height), split=file.stem, line=line
            )
            image.collect(
                item.get('annotations') or [],
                lambda entry: _object(entry, labels),  # noqa: B023 - used at once
                log,
                place=f'items[{number}].annotations',
                line=line,
            )
            yield image


def _labels(content: dict[str, Any]) -> list[str]:
    categories = content.get('categories')
    label = categories.get('label') if isinstance(categories, dict) else None
    entries = label.get('labels') if isinstance(label, dict) else None
    return [str(one.get('name')) for one in entries or [] if isinstance(one, dict)]


def _object(entry: dict[str, Any], labels: list[str]) -> RawObject:
    kind = entry.get('type')
    if kind in {'label', 'caption', 'tabular'}:
        msg = 'labels of whole images'
        raise SkippedLabel(msg)
    number = entry.get('label_id')
    if not isinstance(number, int) or not 0 <= number < len(labels):
        msg = f'label_id is {number!r}; the file has {len(labels)} labels.'
        raise LabelError(msg, 'class')
    name = labels[number]
    if kind == 'bbox':
        return raw_box_wh(name, entry['bbox'])
    if kind == 'polygon':
        return raw_outlines(name, [entry['points']])
    if kind == 'rotated_bbox':
        x, y, width, height, degrees = (float(value) for value in entry['bbox'])
        return raw_outlines(name, [rotated_box((x, y), (width, height), degrees)])
    if kind == 'ellipse':
        x0, y0, x1, y1 = (float(value) for value in entry['points'])
        middle, radii = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
        return raw_outlines(name, [ellipse(middle, radii)])
    if kind == 'mask':
        runs = entry['rle']
        height, width = runs['size']
        return raw_outlines(name, mask_outlines(run_length_mask(runs, (width, height))))
    msg = f'{name!r} is a {kind}, which'
    raise refused(msg)


FORMAT = Format(
    key=KIND,
    title='Datumaro JSON',
    holds='boxes (also rotated), polygons, ellipses, masks; points and lines are refused by name',
    read=read_datumaro,
    json=lambda content: (
        isinstance(content, dict)
        and isinstance(content.get('items'), list)
        and isinstance(content.get('categories'), dict)
    ),
    tokens=('"items"', '"categories"', '"label_id"'),
)
