# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Labelbox: NDJSON of the current export, or the older JSON list; pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import as_object, documents, is_list_of, parsed_lines, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    raw_box_wh,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'labelbox'


def read_labelbox(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file in files:
        for line, row in _rows(file, log):
            if 'data_row' in row:
                yield _of_export(row, file, line, log)
            elif isinstance(row.get('Label'), dict):
                yield _of_old_export(row, file, line, log)
            else:
                log.skip('rows without labels', file, line=line)


def _rows(file: Path, log: FaultLog) -> Iterator[tuple[int, dict[str, Any]]]:
    if file.suffix.lower() == '.json':
        for _, document in documents([file], log):
            rows = document.content.get('')
            found = list(enumerate(rows)) if isinstance(rows, list) else [(0, document.content)]
            yield from (
                (document.line('', number), row) for number, row in found if isinstance(row, dict)
            )
        return
    yield from ((line, row) for line, row in parsed_lines(file, log) if isinstance(row, dict))


def _of_export(row: dict[str, Any], file: Path, line: int, log: FaultLog) -> RawImage:
    data, media = as_object(row['data_row']), as_object(row.get('media_attributes'))
    name = str(data.get('external_id') or data.get('row_data') or data.get('id'))
    image = RawImage(
        file=file,
        name=name,
        size_wh=sized(media.get('width'), media.get('height')),
        split=str(as_object(data.get('details')).get('split') or '') or None,
        line=line,
    )
    for project in as_object(row.get('projects')).values():
        labels = as_object(project).get('labels') or []
        if len(labels) > 1:
            log.skip(
                "further annotators' versions of an image", file, count=len(labels) - 1, line=line
            )
        for label in labels[:1]:
            found = as_object(as_object(label).get('annotations')).get('objects') or []
            image.collect(found, _object, log, place='objects', line=line)
    return image


def _of_old_export(row: dict[str, Any], file: Path, line: int, log: FaultLog) -> RawImage:
    name = str(row.get('External ID') or row.get('Labeled Data'))
    image = RawImage(file=file, name=name, line=line)
    image.collect(row['Label'].get('objects') or [], _object, log, place='objects', line=line)
    return image


def _object(entry: dict[str, Any]) -> RawObject:
    name = entry.get('name') or entry.get('title') or entry.get('value')
    box = entry.get('bounding_box') or entry.get('bbox')
    if isinstance(box, dict):
        return raw_box_wh(name, [box[key] for key in ('left', 'top', 'width', 'height')])
    if 'polygon' in entry:
        return raw_outlines(name, [[(p['x'], p['y']) for p in entry['polygon']]])
    if 'point' in entry or 'line' in entry:
        msg = f'{name!r} is a {"point" if "point" in entry else "line"}, which'
        raise refused(msg)
    if 'mask' in entry or 'instanceURI' in entry or 'composite_mask' in entry:
        text = (
            f"{name!r} is a mask that lies on Labelbox's server; export polygons, or the masks "
            'converted to COCO.'
        )
        raise LabelError(text, 'shape')
    msg = f'{name!r} has no known shape; export it as polygons.'
    raise LabelError(msg, 'shape')


def _is_labelbox(content: Any) -> bool:
    if isinstance(content, dict):
        content = [content]
    return is_list_of(content, 'data_row') or is_list_of(content, 'Label', 'Labeled Data')


FORMAT = Format(
    key=KIND,
    title='Labelbox NDJSON and JSON',
    holds='boxes, polygons; masks lie on its server and are refused, points and lines too',
    read=read_labelbox,
    json=_is_labelbox,
    tokens=('"data_row"', '"projects"'),
)
