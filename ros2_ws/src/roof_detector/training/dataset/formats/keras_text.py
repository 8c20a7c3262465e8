# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""YOLO for Keras: one text file, a line an image, `path x0,y0,x1,y1,class ...`."""

from __future__ import annotations

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

KIND = 'keras_yolo'
_CLASSES = ('_classes.txt', 'classes.txt')


def read_keras_text(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; class numbers are named by _classes.txt beside them, or by `names`."""
    declared = list(names)
    images = list(_images(files, root, log, declared))
    return assemble(KIND, images, root, log, names=names, declared=declared)


def _images(
    files: Sequence[Path], root: Path, log: FaultLog, declared: list[str]
) -> Iterator[RawImage]:
    for file in files:
        classes = declared if declared else _classes(file, root)
        if not classes:
            log.fault('names', file, 'has class numbers without names; give --names.')
            continue
        declared += [name for name in classes if name not in declared]
        text = file.read_text(encoding='utf-8-sig', errors='replace')
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.split()
            while len(fields) > 1 and fields[1].count(',') != 4:
                fields[:2] = [' '.join(fields[:2])]  # a name with blanks
            if fields:
                image = RawImage(file=file, name=fields[0], line=number)
                image.collect(
                    fields[1:],
                    lambda one: _object(one, classes),  # noqa: B023 - used at once
                    log,
                    place='boxes',
                    line=number,
                )
                yield image


def _classes(file: Path, root: Path) -> list[str]:
    for folder in (file.parent, root):
        for name in _CLASSES:
            if (folder / name).is_file():
                lines = (folder / name).read_text(encoding='utf-8-sig').splitlines()
                return [one.strip() for one in lines if one.strip()]
    return []


def _object(field: Any, classes: list[str]) -> RawObject:
    values = str(field).split(',')
    if len(values) != 5:
        msg = 'fields'
        raise LabelError(msg, f'{field!r} has {len(values)} numbers; x0,y0,x1,y1,class are 5.')
    number = int(values[4])
    if not 0 <= number < len(classes):
        msg = f'the class is {number}; the set has {len(classes)}.'
        raise LabelError(msg, 'class')
    return raw_box(classes[number], values[:4])


def _is_keras_text(lines: list[str]) -> bool:
    for line in lines:
        if fields := line.split():
            if fields[-1].count(',') == 4:
                return any(one.lower().endswith(tuple(IMAGE_SUFFIXES)) for one in fields[:-1])
            if not line.lower().rstrip().endswith(tuple(IMAGE_SUFFIXES)):
                return False
    return False


FORMAT = Format(
    key=KIND,
    title='YOLO for Keras (one text file)',
    holds='boxes',
    read=read_keras_text,
    text=_is_keras_text,
)
