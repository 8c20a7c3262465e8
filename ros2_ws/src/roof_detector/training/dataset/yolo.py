# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""YOLO sets: images and text files, with or without a data.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.data_yaml import DataYaml, find_data_yaml, read_data_yaml
from training.dataset.image_finder import ImageFinder, is_foreign
from training.dataset.labelled_set import (
    IMAGE_SUFFIXES,
    SPLIT_NAMES,
    UNSPLIT,
    LabelledSet,
    Sample,
    hidden,
    images_below,
    split_of,
)
from training.dataset.yolo_labels import read_yolo_labels

if TYPE_CHECKING:
    from training.dataset.fault import FaultLog

KIND = 'yolo'
_CLASS_FILES = ('classes.txt', 'obj.names', 'labels.txt', '_darknet.labels')


def read_yolo(path: Path, log: FaultLog, *, names: tuple[str, ...] = ()) -> LabelledSet:
    """Read a folder or the data.yaml of one. `names` stand in where the set has none."""
    folder = path if path.is_dir() else path.parent
    file = find_data_yaml(folder) if path.is_dir() else path
    described = read_data_yaml(file, log) if file else None
    if described is not None:
        names = names or described.names
        images = _described_images(described, log)
        points = described.keypoint_fields
    else:
        points = 0
        names = names or _class_file_names(folder, log, complain=file is None)
        images = [(path, split_of(path, folder)) for path in images_below(folder)]
    if not images:
        log.fault('empty', folder, 'holds no images; nothing can be learned from it.')
    samples = [
        sample_of(image_path, split, names, log, keypoint_fields=points)
        for image_path, split in images
    ]
    _report_lonely_labels(folder, [image_path for image_path, _ in images], described, log)
    return LabelledSet(root=folder, kind=KIND, names=names, samples=tuple(samples))


def read_image(
    image_path: Path, log: FaultLog, *, names: tuple[str, ...], labels: Path | None = None
) -> LabelledSet:
    """Read one image, such as an orthophoto, with its label file."""
    label = labels or label_path(image_path)
    before = len(log.faults)
    if not label.is_file():
        text = f'is not there; name the labels of {image_path.name} with --labels.'
        log.fault('label_missing', label, text)
    names = names or _class_file_names(image_path.parent, log, complain=True)
    instances = read_yolo_labels(label, names, log) if label.is_file() else ()
    sound = len(log.faults) == before
    sample = Sample(
        image_path=image_path, split=UNSPLIT, label_file=label, instances=instances, sound=sound
    )
    return LabelledSet(root=image_path.parent, kind=KIND, names=names, samples=(sample,))


def sample_of(
    image_path: Path,
    split: str,
    names: tuple[str, ...],
    log: FaultLog,
    *,
    keypoint_fields: int = 0,
) -> Sample:
    """Return an image with the labels of its text file."""
    label, beside = label_path(image_path), image_path.with_suffix('.txt')
    if not label.is_file():
        if not beside.is_file():
            return Sample(image_path=image_path, split=split)
        text = (
            f'lies beside its image, but training looks for {log.shown(label)}, because the '
            'folder is named images; `convert` writes it there.'
        )
        log.fault('layout', beside, text)
        label = beside
    before = len(log.faults)
    instances = read_yolo_labels(label, names, log, keypoint_fields=keypoint_fields)
    return Sample(
        image_path=image_path,
        split=split,
        label_file=label,
        instances=instances,
        sound=len(log.faults) == before,
    )


def label_path(image_path: Path) -> Path:
    """Return the path where training expects labels: `labels` instead of the last `images`.

    Without a folder `images` they lie beside the image.
    """
    parts = list(image_path.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == 'images':
            parts[place] = 'labels'
            break
    return Path(*parts).with_suffix('.txt')


def _described_images(described: DataYaml, log: FaultLog) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    seen: dict[Path, str] = {}
    for stated, places in described.splits.items():
        # What `convert` writes of a set without splits: train and nothing else, in images/all.
        whole = len(described.splits) == 1 and {place.name for place in places} == {UNSPLIT}
        split = UNSPLIT if whole else stated
        for place in places:
            line = described.line_of(stated)
            if place in seen:
                log.fault(
                    'split_overlap',
                    described.path,
                    f'{seen[place]} and {split} both name {log.shown(place)}: what is measured '
                    'would be what was learned; split it.',
                    line=line,
                )
                continue
            seen[place] = split
            if place.is_dir():
                found += [(image_path, split) for image_path in images_below(place)]
            elif place.suffix.lower() == '.txt':
                found += [(image_path, split) for image_path in _listed(place, log)]
            elif place.suffix.lower() in IMAGE_SUFFIXES:
                found.append((place, split))
    return found


def _listed(file: Path, log: FaultLog) -> list[Path]:
    """Return the images that a text file lists, one per line, relative to that file."""
    found = []
    finder: ImageFinder | None = None
    mapped: list[tuple[int, str, Path]] = []
    for number, line in enumerate(file.read_text(encoding='utf-8-sig').splitlines(), start=1):
        entry = line.strip()
        if not entry:
            continue
        image_path = file.parent / entry
        if image_path.is_file():
            found.append(image_path)
            continue
        finder = finder or ImageFinder(log.root)
        others = finder.find(entry, file) if is_foreign(entry) else []
        if len(others) == 1:
            found.append(others[0])
            mapped.append((number, entry, others[0]))
        else:
            text = f'lists {entry!r}, which does not exist; correct the path or drop the line.'
            log.fault('image_missing', file, text, line=number)
    if mapped:
        number, entry, image_path = mapped[0]
        text = (
            f'lists {len(mapped)} image(s) by a path of another place; they are found by the end '
            f'of it, first {entry} as {log.shown(image_path)}.'
        )
        log.caution('path_mapped', file, text, line=number)
    return found


def _class_file_names(folder: Path, log: FaultLog, *, complain: bool) -> tuple[str, ...]:
    for place in (folder, folder / 'labels', folder / 'train', folder / 'labels' / 'train'):
        for name in _CLASS_FILES:
            file = place / name
            if file.is_file():
                lines = file.read_text(encoding='utf-8-sig').splitlines()
                return tuple(line.strip() for line in lines if line.strip())
    if complain:
        log.fault(
            'names',
            folder,
            'has neither data.yaml nor classes.txt, so that its classes have no names; '
            'add one, or give --names.',
        )
    return ()


def _report_lonely_labels(
    folder: Path, images: list[Path], described: DataYaml | None, log: FaultLog
) -> None:
    # Lists may name a part of a folder; the labels of the rest are no fault.
    folders = {image_path.parent for image_path in images}
    beside = {path for home in folders for path in home.iterdir()}
    expected = {
        label_path(path).resolve()
        for path in (*images, *beside)
        if path.suffix.lower() in IMAGE_SUFFIXES
    }
    expected |= {image_path.with_suffix('.txt').resolve() for image_path in images}
    if described is None:
        candidates = {path for path in folder.rglob('*.txt') if not hidden(path, folder)}
    else:
        places = {label_path(image_path).parent for image_path in images}
        for entries in described.splits.values():
            places |= {label_path(place / 'x.jpg').parent for place in entries if place.is_dir()}
        candidates = {path for place in places for path in place.glob('*.txt')}
    for path in sorted(candidates):
        if path.resolve() in expected or not _looks_like_labels(path):
            continue
        log.fault(
            'image_missing',
            path,
            'labels an image that is not there; add the image or remove the label.',
        )


def _looks_like_labels(path: Path) -> bool:
    """Return whether a text file holds labels, and not class names, image lists or notes."""
    if path.name.lower() in _CLASS_FILES or path.name.lower().startswith(('readme', 'notes')):
        return False
    try:
        first = path.read_text(encoding='utf-8-sig').split(maxsplit=1)
    except (OSError, UnicodeDecodeError):
        return False
    if not first:
        return 'labels' in (part.lower() for part in path.parts)
    try:
        float(first[0])
    except ValueError:
        return False
    return True


def has_yolo_labels(folder: Path) -> bool:
    """Return whether any text file of a folder holds YOLO labels."""
    return any(
        _looks_like_labels(path) for path in folder.rglob('*.txt') if not hidden(path, folder)
    )


def class_folders(folder: Path) -> list[str]:
    """Return the folders of a classification set: two or more with images, in each split."""
    images = images_below(folder)
    parents = {image_path.parent for image_path in images}
    names = {parent.name for parent in parents}
    plain = {'images', 'image', 'img', 'jpegimages', 'data', *SPLIT_NAMES}
    inside = all(split_of(image_path, folder) != UNSPLIT for image_path in images)
    if len(names) < 2 or names & plain or not inside:
        return []
    return sorted(names)
