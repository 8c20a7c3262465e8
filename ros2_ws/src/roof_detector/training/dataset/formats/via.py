# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""VGG Image Annotator (VIA) 2: a project or annotations as JSON, or CSV; pixels."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import documents
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
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

KIND = 'via'
_CSV_COLUMNS = {'filename', 'region_shape_attributes', 'region_attributes'}
# The attribute that holds the class, if a region has several.
_CLASS_KEYS = ('label', 'class', 'name', 'type', 'category', 'object')


def read_via(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file in files:
        if file.suffix.lower() == '.csv':
            yield from _csv_images(file, log)
            continue
        for _, document in documents([file], log):
            project = document.content.get('_via_img_metadata')
            entries = project if isinstance(project, dict) else document.content
            for key, entry in entries.items():
                if not isinstance(entry, dict) or 'filename' not in entry:
                    continue
                image = RawImage(file=file, name=str(entry['filename']))
                regions = entry.get('regions') or []
                # VIA 1 numbers the regions in an object.
                regions = list(regions.values()) if isinstance(regions, dict) else regions
                image.collect(regions, _region, log, place=f'{key}.regions')
                yield image


def _csv_images(file: Path, log: FaultLog) -> Iterator[RawImage]:
    images: dict[str, RawImage] = {}
    with file.open(encoding='utf-8-sig', errors='replace', newline='') as stream:
        reader = csv.DictReader(stream)
        for row in reader:
            name = row.get('filename') or ''
            image = images.setdefault(name, RawImage(file=file, name=name, line=reader.line_num))
            if row.get('region_shape_attributes') in (None, '', '{}'):
                continue  # the row of an image without regions
            image.collect_one(row, _csv_region, log, place='the region', line=reader.line_num)
    yield from images.values()


def _csv_region(row: dict[str, str]) -> RawObject:
    shape, attributes = row['region_shape_attributes'], row['region_attributes']
    return _region(
        {'shape_attributes': json.loads(shape), 'region_attributes': json.loads(attributes)}
    )


def _region(region: dict[str, Any]) -> RawObject:
    shape = region['shape_attributes']
    name, kind = _class_of(region.get('region_attributes') or {}), shape.get('name')
    if kind == 'rect':
        return raw_box_wh(name, [shape[key] for key in ('x', 'y', 'width', 'height')])
    if kind == 'polygon':
        points = np.array([shape['all_points_x'], shape['all_points_y']], np.float64).T
        return raw_outlines(name, [points])
    if kind == 'circle':
        middle, radius = (shape['cx'], shape['cy']), shape['r']
        return raw_outlines(name, [ellipse(middle, (radius, radius))])
    if kind == 'ellipse':
        degrees = float(np.degrees(float(shape.get('theta') or 0)))
        middle, radii = (shape['cx'], shape['cy']), (shape['rx'], shape['ry'])
        return raw_outlines(name, [ellipse(middle, radii, degrees)])
    if kind in {'point', 'polyline'}:
        msg = f'{name!r} is a {kind}, which'
        raise refused(msg)
    msg = f'{name!r} has the unknown shape {kind!r}; export it again.'
    raise LabelError(msg, 'shape')


def _class_of(attributes: dict[str, Any]) -> Any:
    """Return the class among the attributes: by its usual names, else the only attribute."""
    lower = {str(key).lower(): value for key, value in attributes.items()}
    value = next((lower[key] for key in _CLASS_KEYS if lower.get(key)), None)
    if value is None and len(lower) == 1:
        value = next(iter(lower.values()))
    if isinstance(value, dict):  # a checkbox
        ticked = [key for key, on in value.items() if on]
        value = ticked[0] if len(ticked) == 1 else None
    if value is None:
        text = (
            f'the region has the attributes {sorted(attributes)}; name the one with its class '
            '"label".'
        )
        raise LabelError(text, 'class')
    return value


def _is_via(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    if isinstance(content.get('_via_img_metadata'), dict):
        return True
    first = next(iter(content.values()), None)
    return isinstance(first, dict) and {'filename', 'regions'} <= first.keys()


FORMAT = Format(
    key=KIND,
    title='VGG Image Annotator (VIA) 1 and 2, JSON and CSV',
    holds='rectangles, polygons, circles, ellipses; points and polylines are refused by name',
    read=read_via,
    json=_is_via,
    table=lambda rows: set(rows[0]) >= _CSV_COLUMNS,
    tokens=('"shape_attributes"', '"region_attributes"'),
)
