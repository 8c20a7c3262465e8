# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""CSV tables with a header, one box a row: TensorFlow and Roboflow, VoTT, OpenImages."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import sized
from training.dataset.raw_labels import LabelError, RawImage, RawObject, SkippedLabel, raw_box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

# Columns by the name that the reader uses; each may be spelled in several ways.
_COLUMNS = {
    'image': ('filename', 'image', 'image_path', 'imageid', 'file', 'file_name', 'path', 'img'),
    'class': ('class', 'label', 'labelname', 'class_name', 'name', 'category'),
    'x0': ('xmin', 'x_min', 'x1', 'left'),
    'y0': ('ymin', 'y_min', 'y1', 'top'),
    'x1': ('xmax', 'x_max', 'x2', 'right'),
    'y1': ('ymax', 'y_max', 'y2', 'bottom'),
}
_CORNERS = ('x0', 'y0', 'x1', 'y1')
_OPEN_IMAGES = {'imageid', 'labelname', 'xmin', 'xmax', 'ymin', 'ymax'}
_DESCRIPTIONS = ('class-descriptions', 'oidv')


def read_csv_table(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read tables of boxes in pixels."""
    images = _images(files, log, {}, in_shares=False)
    return assemble('csv', images, root, log, names=names)


def read_open_images(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read OpenImages' tables: boxes in shares, classes such as /m/01g317 with a description."""
    images = _images(files, log, _descriptions(root), in_shares=True)
    return assemble('open_images', images, root, log, names=names)


def _images(
    files: Sequence[Path], log: FaultLog, descriptions: dict[str, str], *, in_shares: bool
) -> Iterator[RawImage]:
    for file in files:
        images: dict[str, RawImage] = {}
        with file.open(encoding='utf-8-sig', errors='replace', newline='') as stream:
            reader = csv.reader(stream, dialect=_dialect(file))
            columns = columns_of(next(reader, []))
            for values in reader:
                row = {key: values[i].strip() for key, i in columns.items() if i < len(values)}
                if not any(value.strip() for value in values):
                    continue
                line, name = reader.line_num, row.get('image', '')
                if not name:
                    log.fault('fields', file, 'the row names no image.', line=line)
                    continue
                size = sized(row.get('width'), row.get('height'))
                image = images.setdefault(
                    name, RawImage(file=file, name=name, size_wh=size, line=line)
                )
                if size != image.size_wh:
                    text = f'states {size} for {name}, line {image.line} {image.size_wh}.'
                    log.fault('size', file, text, line=line)
                if not any(row.get(key) for key in ('class', *_CORNERS)):
                    continue  # an image without objects
                image.collect_one(
                    row,
                    lambda one: _object(one, descriptions, in_shares=in_shares),
                    log,
                    place='the row',
                    line=line,
                )
        yield from images.values()


def _object(row: dict[str, str], descriptions: dict[str, str], *, in_shares: bool) -> RawObject:
    if row.get('isgroupof') == '1':
        msg = 'groups of objects'
        raise SkippedLabel(msg)
    if absent := [key for key in ('class', *_CORNERS) if not row.get(key)]:
        msg = f'it lacks {", ".join(absent)}.'
        raise LabelError(msg, 'fields')
    x0, y0, x1, y1 = (float(row[key]) for key in _CORNERS)
    if x1 < x0 or y1 < y0:
        msg = f'its maxima lie before its minima: {x0} {y0} {x1} {y1}.'
        raise LabelError(msg, 'zero_area')
    name = descriptions.get(row['class'], row['class'])
    return raw_box(name, (x0, y0, x1, y1), in_shares=in_shares)


def columns_of(header: list[str]) -> dict[str, int]:
    """Return the place of each column that is read, by the reader's own names."""
    plain = [one.strip().lower() for one in header]
    same: tuple[str, ...] = ('width', 'height', 'isgroupof')
    found = {one: plain.index(one) for one in same if one in plain}
    for key, spellings in _COLUMNS.items():
        place = next((plain.index(one) for one in spellings if one in plain), None)
        if place is not None:
            found[key] = place
    return found


def _dialect(file: Path) -> type[csv.Dialect]:
    with file.open(encoding='utf-8-sig', errors='replace') as stream:
        head = stream.readline()
    return _Semicolons if head.count(';') > head.count(',') else csv.excel


class _Semicolons(csv.excel):
    """What Excel writes where the comma is the decimal point."""

    delimiter = ';'


def _descriptions(root: Path) -> dict[str, str]:
    """Return the words for OpenImages' class codes, from class-descriptions-boxable.csv."""
    found = {}
    for file in sorted(root.rglob('*.csv')):
        if file.name.lower().startswith(_DESCRIPTIONS) and 'class' in file.name.lower():
            with file.open(encoding='utf-8-sig', errors='replace', newline='') as stream:
                found.update({row[0]: row[1] for row in csv.reader(stream) if len(row) == 2})
    return found


def _is_open_images(rows: list[list[str]]) -> bool:
    return {one.strip().lower() for one in rows[0]} >= _OPEN_IMAGES


def _is_table(rows: list[list[str]]) -> bool:
    header = rows[0] if len(rows[0]) > 1 else rows[0][0].split(';')
    return {'image', 'class', *_CORNERS} <= columns_of(header).keys()


OPEN_IMAGES = Format(
    key='open_images',
    title='OpenImages CSV',
    holds='boxes; class codes become words where class-descriptions-boxable.csv lies beside',
    read=read_open_images,
    table=_is_open_images,
)
FORMAT = Format(
    key='csv',
    title='CSV with a header: TensorFlow object detection, Roboflow, VoTT',
    holds='boxes',
    read=read_csv_table,
    table=_is_table,
)
