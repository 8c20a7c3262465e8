# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""SuperAnnotate: one JSON file per image, in pixels, or one for all images."""

from __future__ import annotations

import json
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
    raw_box,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'superannotate'
_OWN = ('___objects.json', '___pixel.json')  # of the first version, after the image's name
_WITHOUT_AREA = {'point', 'polyline', 'template', 'cuboid'}


def read_superannotate(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; an object without className is named by classes.json."""
    classes = _classes(root)
    declared = list(classes.values())
    return assemble(KIND, _images(files, log, classes), root, log, names=names, declared=declared)


def _classes(root: Path) -> dict[Any, str]:
    for file in (root / 'classes' / 'classes.json', root / 'classes.json'):
        try:
            entries = json.loads(file.read_text(encoding='utf-8-sig'))
            return {one.get('id'): str(one['name']) for one in entries}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}


def _images(files: Sequence[Path], log: FaultLog, classes: dict[Any, str]) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        metadata = as_object(document.content.get('metadata'))
        name = str(metadata.get('name') or file.name.removesuffix('.json'))
        for own in _OWN:
            name = name.removesuffix(own)
        image = RawImage(
            file=file, name=name, size_wh=sized(metadata.get('width'), metadata.get('height'))
        )
        for number, entry in enumerate(document.content.get('instances') or []):
            line = document.line('instances', number)
            image.collect_one(
                entry,
                lambda one: _object(one, classes),
                log,
                place=f'instances[{number}]',
                line=line,
            )
        yield image


def _object(entry: dict[str, Any], classes: dict[Any, str]) -> RawObject:
    name, kind = entry.get('className') or classes.get(entry.get('classId')), entry.get('type')
    if kind == 'tag':
        msg = 'labels of whole images'
        raise SkippedLabel(msg)
    if kind in _WITHOUT_AREA:
        msg = f'{name!r} is a {kind}, which'
        raise refused(msg)
    if kind == 'ellipse':
        middle, radii = (entry['cx'], entry['cy']), (entry['rx'], entry['ry'])
        return raw_outlines(name, [ellipse(middle, radii, float(entry.get('angle') or 0))])
    points = entry['points']
    if kind == 'bbox':
        return raw_box(name, [points[key] for key in ('x1', 'y1', 'x2', 'y2')])
    if kind == 'rbbox':
        corners = [[points[f'x{i}'], points[f'y{i}']] for i in range(1, 5)]
        return raw_outlines(name, [corners])
    if kind == 'polygon':
        return raw_outlines(name, [points])
    msg = f'{name!r} is of the unknown kind {kind!r}; export it as polygons.'
    raise LabelError(msg, 'shape')


def _is_superannotate(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get('instances'), list)
        and isinstance(content.get('metadata'), dict)
    )


FORMAT = Format(
    key=KIND,
    title='SuperAnnotate JSON',
    holds='boxes (also rotated), polygons, ellipses; points and polylines are refused by name',
    read=read_superannotate,
    json=_is_superannotate,
    tokens=('"instances"', '"metadata"', '"class'),
)
