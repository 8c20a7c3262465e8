# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""COCO sets: JSON files with images, categories and annotations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from training.dataset.coco_annotation import read_annotation
from training.dataset.fault import FaultLog
from training.dataset.json_file import parsed_json
from training.dataset.labelled_set import (
    SPLIT_NAMES,
    UNSPLIT,
    LabelledSet,
    Sample,
    images_below,
    nearest,
    split_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.dataset.instance import Instance
    from training.dataset.json_lines import LinedJson

KIND = 'coco'


def is_coco(content: Any) -> bool:
    """Return whether a parsed JSON document is a COCO file."""
    return isinstance(content, dict) and {'images', 'annotations', 'categories'} <= content.keys()


def read_coco(files: list[Path], root: Path, log: FaultLog) -> LabelledSet:
    """Read annotation files, each a split of its own or all of them one set."""
    read = [(file, document) for file in files if (document := _parsed(file, log)) is not None]
    names: list[str] = []
    for file, document in read:
        for name in _categories(file, document, log).values():
            if name not in names:
                names.append(name)
    by_name: dict[str, list[Path]] = {}
    for image_path in images_below(root):
        by_name.setdefault(image_path.name, []).append(image_path)
    samples: list[Sample] = []
    for file, document in read:
        samples += _samples(file, document, root=root, names=names, by_name=by_name, log=log)
    read_paths = {sample.image_path for sample in samples}
    unlisted = [
        path
        for paths in by_name.values()
        for path in paths
        if path not in read_paths and path.resolve() not in read_paths
    ]
    if samples and unlisted:
        log.skip('images that no COCO file lists', min(unlisted), count=len(unlisted))
    if not samples:
        log.fault('empty', root, 'holds no images; nothing can be learned from it.')
    return LabelledSet(root=root, kind=KIND, names=tuple(names), samples=tuple(samples))


def _parsed(file: Path, log: FaultLog) -> LinedJson | None:
    document = parsed_json(file, log)
    for key in ('images', 'annotations', 'categories') if document else ():
        if document is None or not isinstance(document.content.get(key), list):
            log.fault('json', file, f'has no list {key!r}; it is not a COCO file.')
            return None
    return document


def _entries(
    file: Path, document: LinedJson, key: str, fields: tuple[str, ...], log: FaultLog
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line and entry of a list; log those that lack a field."""
    for place, entry in enumerate(document.content[key]):
        line = document.line(key, place)
        absent = [name for name in fields if not isinstance(entry, dict) or name not in entry]
        if absent:
            text = f'{key}[{place}] lacks {", ".join(absent)}.'
            log.fault('json', file, text, line=line)
        else:
            yield line, entry


def _categories(file: Path, document: LinedJson, log: FaultLog) -> dict[Any, str]:
    """Return the class name of each category id, without Roboflow's umbrella category."""
    entries = [e for _, e in _entries(file, document, 'categories', ('id', 'name'), log)]
    umbrellas = {entry.get('supercategory') for entry in entries}
    annotations = document.content['annotations']
    used = {a.get('category_id') for a in annotations if isinstance(a, dict)}
    return {
        entry['id']: str(entry['name'])
        for entry in sorted(entries, key=lambda entry: str(entry['id']).zfill(12))
        if not (entry['name'] in umbrellas and entry['id'] not in used and len(entries) > 1)
    }


def _samples(
    file: Path,
    document: LinedJson,
    *,
    root: Path,
    names: list[str],
    by_name: dict[str, list[Path]],
    log: FaultLog,
) -> Iterator[Sample]:
    silent = FaultLog(root)  # the faults of categories are logged already
    class_ids = {
        key: names.index(name) for key, name in _categories(file, document, silent).items()
    }
    found: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    images = list(_entries(file, document, 'images', ('id', 'file_name'), log))
    known = {image['id'] for _, image in images}
    fields = ('image_id', 'category_id')
    for line, entry in _entries(file, document, 'annotations', fields, log):
        if entry['image_id'] not in known:
            text = f'labels image {entry["image_id"]!r}, which images does not list.'
            log.fault('image_missing', file, text, line=line)
        found.setdefault(entry['image_id'], []).append((line, entry))
    for line, image in images:
        candidates = _image_paths(str(image['file_name']), file, root, by_name)
        if len(candidates) > 1:
            names_shown = ', '.join(log.shown(path) for path in candidates)
            text = f'{image["file_name"]} may be any of {names_shown}; write its path.'
            log.fault('image_unclear', file, text, line=line)
            continue
        image_path = next(iter(candidates), None)
        if image_path is None:
            text = f'{image["file_name"]} is not there; add the image or remove its entry.'
            log.fault('image_missing', file, text, line=line)
            continue
        size = _size(image, image_path)
        instances: list[Instance] = []
        before = len(log.faults)
        if size is not None:
            for at, entry in found.get(image['id'], []):
                if entry.get('keypoints'):
                    log.skip('keypoints of poses', file, line=at)
                made = read_annotation(entry, at, class_ids, size_wh=size, file=file, log=log)
                instances += [made] if made else []
        sound = len(log.faults) == before
        split = _split(file, image_path, root)
        yield Sample(
            image_path=image_path,
            split=split,
            label_file=file,
            instances=tuple(instances),
            stated_wh=size,
            sound=sound,
        )


def _image_paths(name: str, file: Path, root: Path, by_name: dict[str, list[Path]]) -> list[Path]:
    """Return the image of a name: at its path, or in the nearest folder; all if ambiguous."""
    relative = Path(name.replace('\\', '/'))
    for base in (file.parent, root, root / 'images', file.parent.parent / 'images'):
        path = (base / relative).resolve()
        if path.is_file() and path.is_relative_to(root):
            return [path]
    same = by_name.get(relative.name, [])
    if len(same) > 1:
        split = _split(file, file, root)
        same = [path for path in same if split_of(path, root) == split] or same
    return nearest(same, file) if same else []


def _split(file: Path, image_path: Path, root: Path) -> str:
    """Return the split in the file's name or folder, else in the image's folder."""
    stem = file.stem.lower()
    for name, split in SPLIT_NAMES.items():
        if any(token.rstrip('0123456789') == name for token in stem.replace('.', '_').split('_')):
            return split
    split = split_of(file, root)
    return split if split != UNSPLIT else split_of(image_path, root)


def _size(image: dict[str, Any], image_path: Path) -> tuple[int, int] | None:
    width, height = image.get('width'), image.get('height')
    if all(isinstance(side, int) and np.isfinite(side) and side > 0 for side in (width, height)):
        return int(width or 0), int(height or 0)
    try:
        with Image.open(image_path) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError):
        return None  # the image itself is reported as unreadable
