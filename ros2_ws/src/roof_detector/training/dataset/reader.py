# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The reader of data sets of any format."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.archive import opened
from training.dataset.coco import find_coco, read_coco
from training.dataset.data_yaml import find_data_yaml
from training.dataset.error import DatasetError
from training.dataset.fault import FaultLog
from training.dataset.labelled_set import IMAGE_SUFFIXES, LabelledSet, hidden
from training.dataset.voc import find_voc, read_voc
from training.dataset.yolo import read_image, read_yolo

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, eq=False)
class OpenSet:
    """A set that was read, and the faults found while reading."""

    labelled: LabelledSet
    log: FaultLog


@contextlib.contextmanager
def open_set(
    path: Path | str, *, names: tuple[str, ...] = (), labels: Path | None = None
) -> Iterator[OpenSet]:
    """Read a folder, a .zip, a data.yaml, a COCO file or one image; files exist in the context.

    `names` stand in for missing class names, `labels` is the file of one image. Raises
    DatasetError if there is nothing to read; other faults are logged.
    """
    path = Path(path).expanduser()
    with opened(path) as place:
        root = _inner(place.resolve())
        log = FaultLog(root if root.is_dir() else root.parent)
        labelled = _read(root, log, names, labels)
        if place != path:
            _confine(labelled, log)
        yield OpenSet(labelled, log)


def _read(root: Path, log: FaultLog, names: tuple[str, ...], labels: Path | None) -> LabelledSet:
    if root.is_file():
        return _read_file(root, log, names, labels)
    if find_data_yaml(root) is not None:
        return read_yolo(root, log, names=names)
    if files := find_coco(root):
        return read_coco(files, root, log)
    if files := find_voc(root):
        return read_voc(files, root, log, names=names)
    return read_yolo(root, log, names=names)


def _read_file(
    file: Path, log: FaultLog, names: tuple[str, ...], labels: Path | None
) -> LabelledSet:
    suffix = file.suffix.lower()
    if suffix == '.json':
        return read_coco([file], file.parent, log)
    if suffix in {'.yaml', '.yml'}:
        return read_yolo(file, log, names=names)
    if suffix in IMAGE_SUFFIXES:
        return read_image(file, log, names=names, labels=labels)
    msg = f'{file} is no data set; give a folder, .zip, data.yaml, COCO .json or an image.'
    raise DatasetError(msg)


def _inner(place: Path) -> Path:
    """Return the one folder that a zip often wraps around everything."""
    while place.is_dir():
        inside = [path for path in place.iterdir() if not hidden(path, place)]
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name.lower() in _OF_A_SET:
            return place
        place = inside[0]
    return place


_OF_A_SET = frozenset({'images', 'labels', 'train', 'val', 'valid', 'test', 'annotations'})


def _confine(labelled: LabelledSet, log: FaultLog) -> None:
    """Log images outside an unpacked zip: its data.yaml must not name this machine's files."""
    for sample in labelled.samples:
        if not sample.image_path.resolve().is_relative_to(labelled.root):
            text = 'lies outside the zip that names it; it is not read.'
            log.fault('outside', sample.image_path, text)
