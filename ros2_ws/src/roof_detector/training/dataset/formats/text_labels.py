# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Text files beside images: KITTI, DOTA and VisDrone, one object a line, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    SkippedLabel,
    raw_box,
    raw_box_wh,
    raw_outlines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

# The classes of VisDrone by their numbers; 0 marks regions that nobody labelled.
VISDRONE_NAMES = (
    'pedestrian', 'people', 'bicycle', 'car', 'van', 'truck', 'tricycle', 'awning-tricycle',
    'bus', 'motor', 'others',
)  # fmt: skip
_KITTI_FIELDS = (15, 16)
_DOTA_FIELDS = (9, 10)
_VISDRONE_FIELDS = 8


def read_kitti(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read KITTI's label_2: class, truncation, occlusion, angle, box x0 y0 x1 y1, and 3-D."""
    return assemble('kitti', _images(files, log, _kitti), root, log, names=names)


def read_dota(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read DOTA's labelTxt: four corners, class, difficulty."""
    return assemble('dota', _images(files, log, _dota), root, log, names=names)


def read_visdrone(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read VisDrone: x, y, width, height, score, class, truncation, occlusion."""
    images = _images(files, log, _visdrone)
    declared = () if names else VISDRONE_NAMES
    return assemble('visdrone', images, root, log, names=names, declared=declared)


def _images(files: Sequence[Path], log: FaultLog, read: Any) -> Iterator[RawImage]:
    for file in files:
        image = RawImage(file=file, name=file.stem)
        text = file.read_text(encoding='utf-8-sig', errors='replace')
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not _is_heading(line):
                image.collect_one(line, read, log, place='the line', line=number)
        yield image


def _is_heading(line: str) -> bool:
    return line.strip().lower().startswith(('imagesource:', 'gsd:'))


def _kitti(line: str) -> RawObject:
    fields = line.split()
    if len(fields) not in _KITTI_FIELDS:
        msg = f'it has {len(fields)} fields; KITTI has 15.'
        raise LabelError(msg, 'fields')
    if fields[0] == 'DontCare':
        msg = 'DontCare regions'
        raise SkippedLabel(msg)
    return raw_box(fields[0], fields[4:8])


def _dota(line: str) -> RawObject:
    fields = line.replace(',', ' ').split()
    if len(fields) not in _DOTA_FIELDS:
        text = f'it has {len(fields)} fields; DOTA has 8 coordinates, a class and a difficulty.'
        raise LabelError(text, 'fields')
    return raw_outlines(fields[8], [[float(value) for value in fields[:8]]])


def _visdrone(line: str) -> RawObject:
    fields = [value for value in line.strip().split(',') if value]
    if len(fields) != _VISDRONE_FIELDS:
        msg = f'it has {len(fields)} fields; VisDrone has 8.'
        raise LabelError(msg, 'fields')
    number = int(fields[5])
    if number == 0 or fields[4] == '0':
        msg = 'ignored regions'
        raise SkippedLabel(msg)
    if number > len(VISDRONE_NAMES):
        msg = f'the class is {number}; VisDrone has 1 to 11.'
        raise LabelError(msg, 'class')
    return raw_box_wh(VISDRONE_NAMES[number - 1], fields[:4])


def _is_kitti(lines: list[str]) -> bool:
    fields = lines[0].split()
    return (
        len(fields) in _KITTI_FIELDS
        and not is_number(fields[0])
        and all(map(is_number, fields[1:]))
    )


def _is_dota(lines: list[str]) -> bool:
    if _is_heading(lines[0]):
        return True
    fields = lines[0].replace(',', ' ').split()
    return (
        len(fields) in _DOTA_FIELDS
        and all(map(is_number, fields[:8]))
        and not is_number(fields[8])
    )


def _is_visdrone(lines: list[str]) -> bool:
    fields = [value for value in lines[0].strip().split(',') if value]
    return len(fields) == _VISDRONE_FIELDS and all(value.lstrip('-').isdigit() for value in fields)


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


KITTI = Format(
    key='kitti', title='KITTI', holds='boxes; DontCare is counted', read=read_kitti, text=_is_kitti
)
DOTA = Format(
    key='dota', title='DOTA', holds='oriented boxes, as outlines', read=read_dota, text=_is_dota
)
VISDRONE = Format(
    key='visdrone',
    title='VisDrone',
    holds='boxes; ignored regions are counted',
    read=read_visdrone,
    text=_is_visdrone,
)
