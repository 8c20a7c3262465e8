# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""LabelMe of MIT: one XML file per image, polygons of points, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import sized
from training.dataset.raw_labels import LabelError, RawImage, RawObject, SkippedLabel, raw_outlines
from training.dataset.xml_lines import LinedElement, parsed_xml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'labelme_xml'


def read_labelme_xml(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file in files:
        tree = parsed_xml(file, log)
        if tree is None:
            continue
        folder, name = tree.text_of('folder'), tree.text_of('filename') or file.stem
        size = tree.child('imagesize')
        wh = sized(size.text_of('ncols'), size.text_of('nrows')) if size else None
        image = RawImage(file=file, name=f'{folder}/{name}' if folder else name, size_wh=wh)
        for number, element in enumerate(tree.all('object')):
            image.collect_one(element, _object, log, place=f'object {number}', line=element.line)
        yield image


def _object(element: LinedElement) -> RawObject:
    if element.text_of('deleted') == '1':
        msg = 'deleted objects'
        raise SkippedLabel(msg)
    name, outline = element.text_of('name'), element.child('polygon')
    if outline is None:
        msg = f'{name!r} has no polygon; a segment is a mask of its own file.'
        raise LabelError(msg, 'shape')
    points = [(point.text_of('x'), point.text_of('y')) for point in outline.all('pt')]
    return raw_outlines(name, [points])


FORMAT = Format(
    key=KIND,
    title='LabelMe XML (MIT, CVAT)',
    holds='polygons; deleted objects are counted',
    read=read_labelme_xml,
    xml=lambda text: '<annotation>' in text and '<pt>' in text and '<bndbox>' not in text,
)
