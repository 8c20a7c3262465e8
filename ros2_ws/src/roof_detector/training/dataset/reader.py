# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The reader of data sets of any format."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.archive import opened
from training.dataset.data_yaml import find_data_yaml
from training.dataset.error import DatasetError
from training.dataset.fault import FaultLog
from training.dataset.formats.registry import YOLO
from training.dataset.labelled_set import IMAGE_SUFFIXES, LabelledSet, hidden
from training.dataset.survey import Survey, format_of, survey
from training.dataset.yolo import class_folders, has_yolo_labels, read_image, read_yolo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.dataset.formats.format import Format

_MOST_UNKNOWN = 5


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
    described = find_data_yaml(root) is not None
    seen = survey(root, text_files=not described)
    formats = seen.formats()
    if described:
        formats = [YOLO, *formats]
    elif not formats and not has_yolo_labels(root):
        _report_unknown(root, seen, log)
    if len(formats) > 1:
        _report_mixture(formats, seen, root, log)
    chosen = next((one for one in formats if one is YOLO or one.read is not None), None)
    if chosen is None and formats:
        return _refused(formats[0], seen.found[formats[0].key][0], log)
    if chosen is None or chosen is YOLO or chosen.read is None:
        return read_yolo(root, log, names=names)
    return _labels(chosen, seen.found[chosen.key], root, log, names)


def _read_file(
    file: Path, log: FaultLog, names: tuple[str, ...], labels: Path | None
) -> LabelledSet:
    suffix = file.suffix.lower()
    if suffix in {'.yaml', '.yml'}:
        return read_yolo(file, log, names=names)
    if suffix in IMAGE_SUFFIXES:
        return read_image(file, log, names=names, labels=labels)
    chosen, description = format_of(file)
    if chosen is None:
        holds = f'holds {description}' if description else 'is no data set'
        msg = f'{file} {holds}; {_REMEDY}'
        raise DatasetError(msg)
    if chosen.read is None:
        return _refused(chosen, file, log)
    return _labels(chosen, [file], file.parent, log, names)


def _labels(
    chosen: Format, files: list[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    assert chosen.read is not None
    try:
        return chosen.read(files, root, log, names)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        shown = ', '.join(log.shown(file) for file in files[:3])
        msg = f'{shown} is not quite {chosen.title} ({error!r}); export it again, or as COCO JSON.'
        raise DatasetError(msg) from error


_REMEDY = (
    'give a folder, .zip, data.yaml, an image, or labels of a format in '
    'docs/reference/dataset_formats.md, such as COCO JSON.'
)


def _refused(chosen: Format, file: Path, log: FaultLog) -> LabelledSet:
    msg = f'{log.shown(file)} is {chosen.title}, which is not read: {chosen.instead}.'
    raise DatasetError(msg)


def _report_mixture(formats: list[Format], seen: Survey, root: Path, log: FaultLog) -> None:
    read = next((one for one in formats if one is YOLO or one.read is not None), None)
    for one in formats:
        if one is not read and read is not None:
            files = seen.found[one.key]
            text = (
                f'{len(files)} file(s) of {one.title} are not read, first {log.shown(files[0])}: '
                f'the folder is read as {read.title}. Move one of them away to have the other.'
            )
            log.caution('mixed_formats', root, text)


def _report_unknown(root: Path, seen: Survey, log: FaultLog) -> None:
    for file, description in list(seen.unknown.items())[:_MOST_UNKNOWN]:
        log.fault('format', file, f'holds {description}; {_REMEDY}')
    if len(seen.unknown) > _MOST_UNKNOWN:
        text = f'holds {len(seen.unknown) - _MOST_UNKNOWN} more such file(s).'
        log.fault('format', root, text)
    if not seen.unknown and (folders := class_folders(root)):
        text = (
            f'sorts whole images into folders by class ({", ".join(folders[:5])}); a detector '
            'needs boxes. Label them, or export an object detection format.'
        )
        log.fault('format', root, text)


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
