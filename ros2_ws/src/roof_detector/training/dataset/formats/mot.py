# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""MOTChallenge: gt/gt.txt beside img1/, boxes in pixels by frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.formats.text_labels import is_number
from training.dataset.raw_labels import LabelError, RawImage, RawObject, SkippedLabel, raw_box_wh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

# The classes of MOT16 to MOT20, where no labels.txt lies beside gt.txt.
MOT_NAMES = (
    'pedestrian', 'person on vehicle', 'car', 'bicycle', 'motorbike', 'non motorized vehicle',
    'static person', 'distractor', 'occluder', 'occluder on the ground', 'occluder full',
    'reflection', 'crowd',
)  # fmt: skip
_FIELDS = (9, 10)


def read_mot(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the tracks of each sequence; the images are named by frame, as 000001.jpg."""
    declared: list[str] = []
    images = list(_images(files, log, declared))
    return assemble('mot', images, root, log, names=names, declared=declared)


def _images(files: Sequence[Path], log: FaultLog, declared: list[str]) -> Iterator[RawImage]:
    for file in files:
        if 'det' in (file.stem.lower(), file.parent.name.lower()):
            log.skip('files of detections (det.txt)', file)
            continue
        beside = file.with_name('labels.txt')
        listed = beside.read_text(encoding='utf-8-sig').splitlines() if beside.is_file() else []
        named = tuple(one.strip() for one in listed if one.strip())
        declared += named
        classes = named or MOT_NAMES
        pattern = _pattern(file)
        images: dict[int, RawImage] = {}
        text = file.read_text(encoding='utf-8-sig', errors='replace')
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.strip().split(',')
            if not is_number(fields[0]):
                if line.strip():
                    log.fault('fields', file, f'{fields[0]!r} is no frame number.', line=number)
                continue
            frame = int(float(fields[0]))
            image = images.setdefault(
                frame, RawImage(file=file, name=pattern % frame, line=number)
            )
            image.collect_one(
                fields,
                lambda one: _object(one, classes),  # noqa: B023 - used at once
                log,
                place='the line',
                line=number,
            )
        yield from images.values()


def _pattern(file: Path) -> str:
    """Return the path of a frame's image from gt.txt, with the suffix that seqinfo.ini states."""
    sequence = file.parent.parent
    info = sequence / 'seqinfo.ini'
    text = info.read_text(encoding='utf-8-sig', errors='replace') if info.is_file() else ''
    suffix = re.search(r'imExt\s*=\s*(\.\w+)', text)
    folder = re.search(r'imDir\s*=\s*([\w.-]+)', text)
    name = f'../{folder[1] if folder else "img1"}/%06d'
    return name + (suffix[1] if suffix else '')


def _object(fields: list[str], classes: tuple[str, ...]) -> RawObject:
    if len(fields) not in _FIELDS:
        msg = f'it has {len(fields)} fields; gt.txt has 9.'
        raise LabelError(msg, 'fields')
    if float(fields[6]) == 0:
        msg = 'boxes that gt.txt marks as ignored'
        raise SkippedLabel(msg)
    number = int(float(fields[7])) if len(fields) == 9 else 1
    if not 1 <= number <= len(classes):
        msg = f'the class is {number}; there are 1 to {len(classes)}.'
        raise LabelError(msg, 'class')
    return raw_box_wh(classes[number - 1], fields[2:6])


def _is_mot(lines: list[str]) -> bool:
    fields = lines[0].strip().split(',')
    return len(fields) in _FIELDS and all(map(is_number, fields))


FORMAT = Format(
    key='mot',
    title='MOTChallenge',
    holds='boxes; ignored boxes are counted',
    read=read_mot,
    text=_is_mot,
)
