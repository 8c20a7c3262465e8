# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pascal VOC sets: one XML file per image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.assembly import image_size
from training.dataset.instance import Floats, Instance, box_flaws, polygon_flaws
from training.dataset.labelled_set import (
    IMAGE_SUFFIXES,
    SPLIT_NAMES,
    UNSPLIT,
    LabelledSet,
    Sample,
    images_below,
    nearest,
    split_of,
)
from training.dataset.raw_labels import rotated_box
from training.dataset.xml_lines import LinedElement, parsed_xml

if TYPE_CHECKING:
    from training.dataset.fault import FaultLog

KIND = 'voc'
_ROUNDING_PX = 1.0
_WITHOUT_AREA = ('line', 'point', 'keypoints', 'cubic_bezier')


def is_voc(text: str) -> bool:
    """Return whether the text of an XML file is of a Pascal VOC annotation."""
    return '<annotation>' in text or '<annotation ' in text


def read_voc(
    files: list[Path], root: Path, log: FaultLog, *, names: tuple[str, ...] = ()
) -> LabelledSet:
    """Read annotation files; without `names` the classes are numbered alphabetically.

    Coordinates are read as edges in pixels from 0, as today's tools write them; the original
    counted pixels from 1, and a box is at most a pixel larger because of it.
    """
    documents = [
        (file, root_of) for file in files if (root_of := parsed_xml(file, log)) is not None
    ]
    given = {element.text_of('name') for _, tree in documents for element in tree.all('object')}
    class_names = names or tuple(sorted(given - {''}))
    images = images_below(root)
    by_name: dict[str, list[Path]] = {}
    for image_path in images:
        by_name.setdefault(image_path.stem, []).append(image_path)
    listed = _image_sets(root)
    samples, taken = [], set()
    for file, tree in documents:
        candidates = _image_paths(file, tree, by_name)
        if len(candidates) > 1:
            listed_ones = ', '.join(log.shown(path) for path in candidates)
            text = f'labels one of {listed_ones}, and does not say which; lay it beside its image.'
            log.fault('image_unclear', file, text)
            continue
        found = next(iter(candidates), None)
        if found is None:
            text = f'labels {tree.text_of("filename") or file.stem}, which is not there.'
            log.fault('image_missing', file, text)
            continue
        taken.add(found)
        before = len(log.faults)
        size = _size(tree, found, file, log)
        instances = [
            made
            for element in tree.all('object')
            if size and (made := _instance(element, class_names, size, file, log)) is not None
        ]
        split = _listed(listed, file) or split_of(found, root)
        sound = len(log.faults) == before
        samples.append(
            Sample(
                image_path=found,
                split=split,
                label_file=file,
                instances=tuple(instances),
                stated_wh=size,
                sound=sound,
            )
        )
    for image_path in images:
        if image_path not in taken:
            split = _listed(listed, image_path) or split_of(image_path, root)
            samples.append(Sample(image_path=image_path, split=split))
    if not images:
        log.fault('empty', root, 'holds no images; nothing can be learned from it.')
    return LabelledSet(root=root, kind=KIND, names=class_names, samples=tuple(samples))


def _image_paths(file: Path, tree: LinedElement, by_name: dict[str, list[Path]]) -> list[Path]:
    """Return the image that a file labels: by name, in the nearest folder; all if ambiguous."""
    # Windows tools write absolute paths here.
    stated = Path(tree.text_of('filename').replace('\\', '/'))
    stem = stated.stem if stated.suffix.lower() in IMAGE_SUFFIXES else stated.name
    same = by_name.get(stem) or by_name.get(file.stem) or []
    beside = [path for path in same if path.parent == file.parent]
    close = beside or (nearest(same, file) if same else [])
    return [path for path in close if path.name == stated.name] or close


def _listed(listed: dict[tuple[Path, str], str], file: Path) -> str | None:
    """Return the split for a file in a list in one of the folders above it."""
    for folder in file.parents:
        if (folder, file.stem) in listed:
            return listed[folder, file.stem]
    return None


def _image_sets(root: Path) -> dict[tuple[Path, str], str]:
    """Return the split of each stem in the lists of ImageSets/Main, by the folder above."""
    found = {}
    for path in root.rglob('ImageSets/Main/*.txt'):
        split = SPLIT_NAMES.get(path.stem.lower())
        for line in path.read_text().splitlines() if split else ():
            if line.strip():
                found[path.parents[2], line.split()[0]] = split or UNSPLIT
    return found


def _size(
    tree: LinedElement, image_path: Path, file: Path, log: FaultLog
) -> tuple[int, int] | None:
    """Return the size that is stated or, as some tools state none, that of the image."""
    size = tree.child('size')
    try:
        width, height = (
            int(float(size.text_of(side))) if size else 0 for side in ('width', 'height')
        )
    except ValueError:
        width, height = 0, 0
    if width > 0 and height > 0:
        return width, height
    line = size.line if size else tree.line
    found = image_size(image_path)
    if found is None:
        log.fault('size', file, 'states no size of the image; export it again.', line=line)
        return None
    log.caution('size', file, 'states no size of the image; its own is taken.', line=line)
    return found


def _instance(
    element: LinedElement,
    names: tuple[str, ...],
    size_wh: tuple[int, int],
    file: Path,
    log: FaultLog,
) -> Instance | None:
    name, size = element.text_of('name'), np.array(size_wh, dtype=np.float64)
    rounding = _ROUNDING_PX / float(size.min())
    flaws: list[tuple[str, str]] = []
    if name not in names:
        flaws.append(('class', f'the class is {name!r}; the set has {", ".join(names)}.'))
    class_id = names.index(name) if name in names else 0
    made: Instance | None = None
    try:
        outline = _polygon(element)
        if outline is not None:
            flaws += polygon_flaws(outline / size, rounding=rounding)
            made = (
                None if flaws else Instance.of_polygons(class_id, (outline / size,), element.line)
            )
        else:
            box = _box(element) / np.tile(size, 2)
            flaws += box_flaws(box, rounding=rounding)
            made = None if flaws else Instance.of_box(class_id, box, element.line)
    except ValueError as error:
        flaws.append(('number', f'the object cannot be read ({error}).'))
    for kind, text in flaws:
        log.fault(kind, file, text, line=element.line)
    return made


def _box(element: LinedElement) -> Floats:
    box = element.child('bndbox')
    if box is None:
        msg = 'it has no bndbox'
        raise ValueError(msg)
    return np.array([float(box.text_of(edge)) for edge in ('xmin', 'ymin', 'xmax', 'ymax')])


def _polygon(element: LinedElement) -> Floats | None:
    """Return the outline (n, 2) of Roboflow, RectLabel or a rotated box, if there is one.

    Roboflow and RectLabel write x1 y1 x2 y2 ...; roLabelImg writes a robndbox with the middle,
    the size and the angle in radians, clockwise.
    """
    turned = element.child('robndbox')
    if turned is not None:
        x, y, width, height, angle = (
            float(turned.text_of(key)) for key in ('cx', 'cy', 'w', 'h', 'angle')
        )
        return rotated_box((x, y), (width, height), float(np.degrees(angle)))
    if any(element.child(tag) for tag in _WITHOUT_AREA) and element.child('bndbox') is None:
        tag = next(tag for tag in _WITHOUT_AREA if element.child(tag))
        msg = f'{tag} covers no area; draw a box or a polygon'
        raise ValueError(msg)
    outline = element.child('polygon')
    if outline is None or not outline.children:
        return None
    count = sum(child.tag.startswith('x') for child in outline.children)
    points = [[float(outline.text_of(f'{axis}{i}')) for axis in 'xy'] for i in range(1, count + 1)]
    return np.array(points, dtype=np.float64).reshape(-1, 2)
