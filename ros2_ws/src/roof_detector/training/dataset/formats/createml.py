# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""CreateML: a JSON list of images with boxes by their middle, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import documents, is_list_of
from training.dataset.raw_labels import LabelError, RawImage, RawObject, raw_box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'createml'
_NAMES = ('image', 'imagefilename', 'filename')
_LISTS = ('annotations', 'annotation')


def read_createml(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        for number, entry in enumerate(document.content.get('') or []):
            line = document.line('', number)
            name = _first(entry, _NAMES)
            if not isinstance(name, str):
                log.fault('json', file, f'[{number}] names no image.', line=line)
                continue
            image = RawImage(file=file, name=name, line=line)
            found = _first(entry, _LISTS) or []
            image.collect(found, _object, log, place=f'[{number}].annotations', line=line)
            yield image


def _first(entry: Any, keys: tuple[str, ...]) -> Any:
    found = (entry[key] for key in keys if key in entry) if isinstance(entry, dict) else ()
    return next(iter(found), None)


def _object(entry: dict[str, Any]) -> RawObject:
    box = entry['coordinates']
    x, y, width, height = (float(box[key]) for key in ('x', 'y', 'width', 'height'))
    if min(width, height) <= 0:
        msg = f'the box is {width:g} by {height:g} pixels; remove it.'
        raise LabelError(msg, 'zero_area')
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return raw_box(entry.get('label'), corners)


def _is_createml(content: Any) -> bool:
    if not any(is_list_of(content, a, b) for a in _NAMES for b in _LISTS):
        return False
    found = [_first(entry, _LISTS) for entry in content]
    first = next((one[0] for one in found if isinstance(one, list) and one), None)
    return first is None or (isinstance(first, dict) and 'coordinates' in first)


FORMAT = Format(
    key=KIND,
    title='CreateML JSON',
    holds='boxes',
    read=read_createml,
    json=_is_createml,
    tokens=('"coordinates"', '"annotation'),
)
