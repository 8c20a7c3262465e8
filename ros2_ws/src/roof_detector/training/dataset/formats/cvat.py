# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""CVAT XML 1.1: images, or tracks of a video, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.image_bytes import mask_outlines, runs_mask
from training.dataset.json_file import sized
from training.dataset.raw_labels import (
    RawImage,
    RawObject,
    SkippedLabel,
    ellipse,
    raw_box,
    raw_outlines,
    refused,
    rotated_box,
)
from training.dataset.xml_lines import LinedElement, parsed_xml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'cvat'
_SHAPES = ('box', 'polygon', 'mask', 'ellipse', 'polyline', 'points', 'cuboid', 'skeleton')


def read_cvat(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; classes are numbered as the task lists them."""
    declared: list[str] = []
    images = list(_images(files, log, declared))
    return assemble(KIND, images, root, log, names=names, declared=declared)


def _images(files: Sequence[Path], log: FaultLog, declared: list[str]) -> Iterator[RawImage]:
    for file in files:
        tree = parsed_xml(file, log)
        if tree is None:
            continue
        declared += _labels(tree)
        for element in tree.all('image'):
            attributes = element.attributes
            image = RawImage(
                file=file,
                name=attributes.get('name', ''),
                size_wh=sized(attributes.get('width'), attributes.get('height')),
                split=attributes.get('subset'),
                line=element.line,
            )
            for child in element.children:
                if child.tag == 'tag':
                    log.skip('labels of whole images', file, line=child.line)
                elif child.tag in _SHAPES:
                    read = _reader(image.size_wh)
                    image.collect_one(child, read, log, place=child.tag, line=child.line)
            yield image
        yield from _tracks(tree, file, log)


def _labels(tree: LinedElement) -> list[str]:
    meta = tree.child('meta')
    for holder in meta.children if meta else ():
        labels = holder.child('labels')
        if labels is not None:
            return [one.text_of('name') for one in labels.all('label')]
    return []


def _tracks(tree: LinedElement, file: Path, log: FaultLog) -> Iterator[RawImage]:
    """Yield the frames of a video's tracks, which CVAT names frame_000000.PNG."""
    frames: dict[int, RawImage] = {}
    meta = tree.child('meta')
    stated = [
        found
        for one in (meta.children if meta else ())
        if (found := one.child('original_size')) is not None
    ]
    size = sized(stated[0].text_of('width'), stated[0].text_of('height')) if stated else None
    for track in tree.all('track'):
        for child in track.children:
            if child.tag not in _SHAPES:
                continue
            child.attributes.setdefault('label', track.attributes.get('label', ''))
            number = int(child.attributes.get('frame', '0'))
            name = f'frame_{number:06d}'
            image = frames.setdefault(
                number, RawImage(file=file, name=name, size_wh=size, line=child.line)
            )
            image.collect_one(child, _reader(size), log, place=child.tag, line=child.line)
    yield from (frames[number] for number in sorted(frames))


def _reader(size_wh: tuple[int, int] | None) -> Any:
    return lambda element: _object(element, size_wh)


def _object(element: LinedElement, size_wh: tuple[int, int] | None) -> RawObject:
    values, kind = element.attributes, element.tag
    name = values.get('label')
    if values.get('outside') == '1':
        msg = 'boxes of tracks that have left the image'
        raise SkippedLabel(msg)
    degrees = float(values.get('rotation') or 0)
    if kind == 'box':
        corners = [float(values[key]) for key in ('xtl', 'ytl', 'xbr', 'ybr')]
        if not degrees:
            return raw_box(name, corners)
        low, high = np.array(corners[:2]), np.array(corners[2:])
        middle = ((low + high) / 2).tolist()
        return raw_outlines(name, [rotated_box(middle, (high - low).tolist(), degrees)])
    if kind == 'polygon':
        points = [point.split(',') for point in values['points'].split(';') if point.strip()]
        return raw_outlines(name, [points])
    if kind == 'ellipse':
        middle = float(values['cx']), float(values['cy'])
        radii = float(values['rx']), float(values['ry'])
        return raw_outlines(name, [ellipse(middle, radii, degrees)])
    if kind == 'mask':
        left, top = float(values['left']), float(values['top'])
        runs = [int(run) for run in values['rle'].split(',')]
        mask = runs_mask(runs, (int(values['width']), int(values['height'])))
        return raw_outlines(name, mask_outlines(mask, (left, top)))
    msg = f'{name!r} is of the kind {kind}, which'
    raise refused(msg)


FORMAT = Format(
    key=KIND,
    title='CVAT for images and video, XML 1.1',
    holds='boxes (also rotated), polygons, ellipses, masks, tracks; lines and points are refused',
    read=read_cvat,
    xml=lambda text: '<annotations' in text and ('<image ' in text or '<track ' in text),
)
