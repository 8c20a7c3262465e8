# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The assembly of a set: stated labels meet their images, pixels become shares, names numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image

from training.dataset.image_finder import ImageFinder, is_foreign
from training.dataset.instance import Instance, box_flaws, polygon_flaws
from training.dataset.labelled_set import SPLIT_NAMES, UNSPLIT, LabelledSet, Sample, split_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.raw_labels import RawImage, RawObject

# Pixel coordinates are rounded to whole pixels by some tools, or count from 1.
_ROUNDING_PX = 1.0


def assemble(
    kind: str,
    stated: Iterable[RawImage],
    root: Path,
    log: FaultLog,
    *,
    names: Sequence[str] = (),
    declared: Sequence[str] = (),
) -> LabelledSet:
    """Return the set of a format whose files state names of images and classes.

    The classes are numbered as `names` (given by the user) or `declared` (listed by the set),
    else alphabetically. Images without labels are backgrounds.
    """
    images = list(stated)
    finder = ImageFinder(root)
    used = {one.name for image in images for one in image.objects}
    order = tuple(names) or tuple(dict.fromkeys(declared))
    if not names:
        order += tuple(sorted(used - set(order)))
    numbers = {name: number for number, name in enumerate(order)}
    found: dict[Path, Sample] = {}
    absent: list[RawImage] = []
    mapped: list[tuple[RawImage, Path]] = []
    for image in images:
        paths = finder.find(image.name, image.file, split=image.split)
        if len(paths) > 1:
            shown = ', '.join(log.shown(path) for path in paths[:5])
            text = f'{image.name} may be any of {shown}; write its path.'
            log.fault('image_unclear', image.file, text, line=image.line)
        elif not paths:
            absent.append(image)
        elif (other := found.get(paths[0])) is not None:
            text = f'labels {log.shown(paths[0])}, as {_source(other, log)} does; keep one.'
            log.fault('image_twice', image.file, text, line=image.line)
        else:
            found[paths[0]] = _sample(image, paths[0], numbers, root, log)
            if is_foreign(image.name) and not image.name.startswith('/data/'):
                mapped.append((image, paths[0]))
    _log_absent(absent, bool(found), root, log)
    if mapped:
        image, path = mapped[0]
        text = (
            f'names {len(mapped)} image(s) by a path of another place; they are found by the end '
            f'of it, first {image.name} as {log.shown(path)}.'
        )
        log.caution('path_mapped', image.file, text, line=image.line)
    samples = [
        found.get(path) or Sample(image_path=path, split=split_of(path, root))
        for path in finder.images
    ]
    if not finder.images:
        log.fault('empty', root, 'holds no images; nothing can be learned from it.')
    return LabelledSet(root=root, kind=kind, names=order, samples=tuple(samples))


def _source(sample: Sample, log: FaultLog) -> str:
    return log.shown(sample.label_file) if sample.label_file else 'another entry'


def _log_absent(absent: list[RawImage], any_found: bool, root: Path, log: FaultLog) -> None:  # noqa: FBT001
    if absent and not any_found:
        text = (
            f'none of the {len(absent)} image(s) that are labelled is here, first '
            f'{absent[0].name}; put the images into the folder, export them with the labels.'
        )
        log.fault('image_missing', absent[0].file, text, line=absent[0].line)
        return
    for image in absent:
        text = f'{image.name} is not there; add the image or remove its entry.'
        log.fault('image_missing', image.file, text, line=image.line)


def _sample(
    image: RawImage, path: Path, numbers: dict[str, int], root: Path, log: FaultLog
) -> Sample:
    before = len(log.faults)
    for kind, text, line in image.flaws:
        log.fault(kind, image.file, text, line=line)
    size = image.size_wh or image_size(path)
    instances = []
    for one in image.objects:
        made = _instance(one, image, size, numbers, log) if size is not None else None
        instances += [made] if made is not None else []
    split = SPLIT_NAMES.get((image.split or '').lower()) or split_named(image.file, path, root)
    sound = len(log.faults) == before
    return Sample(
        image_path=path,
        split=split,
        label_file=image.file,
        instances=tuple(instances),
        stated_wh=image.size_wh,
        sound=sound,
    )


def _instance(
    one: RawObject,
    image: RawImage,
    size_wh: tuple[int, int],
    numbers: dict[str, int],
    log: FaultLog,
) -> Instance | None:
    size = np.array(size_wh, dtype=np.float64)
    rounding = _ROUNDING_PX / float(size.min())
    shapes = tuple(points if one.in_shares else points / size for points in one.points)
    flaws: list[tuple[str, str]] = []
    if one.name not in numbers:
        flaws.append(('class', f'the class is {one.name!r}; the set has {", ".join(numbers)}.'))
    if one.is_box:
        flaws += box_flaws(shapes[0].reshape(-1), rounding=rounding)
    else:
        flaws += [f for shape in shapes for f in polygon_flaws(shape, rounding=rounding)]
    for kind, text in flaws:
        placed = f'{one.place}: {text}' if one.place else text
        log.fault(kind, image.file, placed, line=one.line)
    if flaws:
        return None
    class_id = numbers[one.name]
    if one.is_box:
        return Instance.of_box(class_id, shapes[0].reshape(-1), one.line)
    return Instance.of_polygons(class_id, shapes, one.line)


def split_named(file: Path, image_path: Path, root: Path) -> str:
    """Return the split in a label file's name or folder, else in the image's folder.

    The name of a file that labels one image alone is that image's own and says nothing.
    """
    own = file.name.startswith(image_path.stem)
    for token in () if own else file.stem.lower().replace('.', '_').replace('-', '_').split('_'):
        if token.rstrip('0123456789') in SPLIT_NAMES:
            return SPLIT_NAMES[token.rstrip('0123456789')]
    split = split_of(file, root)
    return split if split != UNSPLIT else split_of(image_path, root)


def image_size(path: Path) -> tuple[int, int] | None:
    """Return an upright image's size from its header; None if it is reported as unreadable."""
    try:
        with Image.open(path) as opened:
            width, height = opened.size
            turned = opened.getexif().get(ExifTags.Base.Orientation, 1) in {5, 6, 7, 8}
            return (height, width) if turned else (width, height)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
