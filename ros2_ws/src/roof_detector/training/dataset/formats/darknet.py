# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""YOLO of darknet: obj.data names the lists of images and the file of class names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.formats.format import Format
from training.dataset.image_finder import ImageFinder
from training.dataset.labelled_set import SPLIT_NAMES, LabelledSet, split_of
from training.dataset.yolo import sample_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.dataset.fault import FaultLog

KIND = 'darknet'


def read_darknet(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the sets of one or more .data files; the lists' paths are of the machine that wrote.

    An image that no list names but that lies beside the others is a part of the set too.
    """
    finder = ImageFinder(root)
    found: dict[Path, str] = {}
    class_names = names
    for file in files:
        entries = _entries(file)
        class_names = class_names or _names(entries.get('names', ''), file, log)
        for key, split in SPLIT_NAMES.items():
            if value := entries.get(key):
                for image_path in _listed(value, file, finder, log, is_test=split == 'test'):
                    if found.setdefault(image_path, split) != split:
                        text = f'is in {found[image_path]} and in {split}; keep it in one.'
                        log.fault('split_overlap', image_path, text)
    samples = [
        sample_of(image_path, split, class_names, log) for image_path, split in found.items()
    ]
    unlisted = [image_path for image_path in finder.images if image_path not in found]
    if unlisted and found:
        log.skip('images that no list of the set names', unlisted[0], count=len(unlisted))
    elif not found:
        samples = [
            sample_of(image_path, split_of(image_path, root), class_names, log)
            for image_path in finder.images
        ]
    if not finder.images:
        log.fault('empty', root, 'holds no images; nothing can be learned from it.')
    return LabelledSet(root=root, kind=KIND, names=class_names, samples=tuple(samples))


def _entries(file: Path) -> dict[str, str]:
    text = file.read_text(encoding='utf-8-sig', errors='replace')
    pairs = (line.partition('=') for line in text.splitlines() if '=' in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _place(stated: str, file: Path) -> Path | None:
    """Return the file of a stated path: by its longest end that exists beside or above."""
    parts = Path(stated.replace('\\', '/')).parts
    for begin in range(len(parts)):
        for base in (file.parent, file.parent.parent):
            candidate = base.joinpath(*parts[begin:])
            if parts[begin] not in ('/', '..') and candidate.is_file():
                return candidate
    return None


def _names(stated: str, file: Path, log: FaultLog) -> tuple[str, ...]:
    place = _place(stated, file) if stated else None
    if place is None:
        text = f'names {stated or "no file"} for the class names, which is not there.'
        log.fault('names', file, text)
        return ()
    lines = place.read_text(encoding='utf-8-sig', errors='replace').splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _listed(
    stated: str, file: Path, finder: ImageFinder, log: FaultLog, *, is_test: bool
) -> Iterator[Path]:
    place = _place(stated, file)
    if place is None:
        text = f'names {stated}, which is not there.'
        note = log.caution if is_test else log.fault
        note('split_missing', file, text)
        return
    lines = place.read_text(encoding='utf-8-sig', errors='replace').splitlines()
    absent = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            paths = finder.find(line, place)
            if len(paths) == 1:
                yield paths[0]
            elif paths:
                text = f'{line.strip()} may be any of {len(paths)} images; write its path.'
                log.fault('image_unclear', place, text, line=number)
            else:
                absent.append((number, line.strip()))
    if len(absent) == len([line for line in lines if line.strip()]) and absent:
        text = (
            f'none of the {len(absent)} image(s) that are listed is here, first {absent[0][1]}; '
            'export them with the labels.'
        )
        log.fault('image_missing', place, text, line=absent[0][0])
        return
    for number, name in absent:
        text = f'lists {name!r}, which does not exist; correct the path or drop the line.'
        log.fault('image_missing', place, text, line=number)


def _is_darknet(lines: list[str]) -> bool:
    keys = {line.partition('=')[0].strip().lower() for line in lines if '=' in line}
    return 'names' in keys and bool(keys & {'train', 'valid', 'classes'})


FORMAT = Format(
    key=KIND,
    title='YOLO of darknet and CVAT (obj.data, obj.names, train.txt)',
    holds='boxes, outlines',
    read=read_darknet,
    text=_is_darknet,
)
