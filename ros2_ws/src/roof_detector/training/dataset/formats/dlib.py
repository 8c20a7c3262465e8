# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""dlib (imglab): one XML file with boxes in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import sized
from training.dataset.raw_labels import RawImage, RawObject, SkippedLabel, raw_box_wh
from training.dataset.xml_lines import LinedElement, parsed_xml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'dlib'


def read_dlib(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file in files:
        tree = parsed_xml(file, log)
        images = tree.child('images') if tree else None
        for element in images.all('image') if images else ():
            values = element.attributes
            size = sized(values.get('width'), values.get('height'))
            image = RawImage(
                file=file, name=values.get('file', ''), size_wh=size, line=element.line
            )
            for box in element.all('box'):
                image.collect_one(box, _object, log, place='box', line=box.line)
            yield image


def _object(element: LinedElement) -> RawObject:
    values = element.attributes
    if values.get('ignore') == '1':
        msg = 'ignored boxes'
        raise SkippedLabel(msg)
    box = [values[key] for key in ('left', 'top', 'width', 'height')]
    return raw_box_wh(element.text_of('label') or 'object', box)


FORMAT = Format(
    key=KIND,
    title='dlib XML (imglab)',
    holds='boxes; ignored boxes are counted',
    read=read_dlib,
    xml=lambda text: '<dataset' in text and '<images' in text and '<image ' in text,
)
