# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""CVAT for images, XML 1.1: what CVAT imports as annotations of a task, and its labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.learning.frame_labels import FrameLabels, LabelBox

LABELS = 'annotations.xml'
_FACTS = ('confidence', 'finding')


def write_cvat(
    folder: Path, frames: Sequence[FrameLabels], names: Sequence[str], images: str
) -> list[Path]:
    """Write the annotations, and labels.json to paste as the raw labels of a new task."""
    root = ET.Element('annotations')
    ET.SubElement(root, 'version').text = '1.1'
    task = ET.SubElement(ET.SubElement(root, 'meta'), 'task')
    ET.SubElement(task, 'name').text = images
    ET.SubElement(task, 'size').text = str(len(frames))
    labels = ET.SubElement(task, 'labels')
    for name in names:
        label = ET.SubElement(labels, 'label')
        ET.SubElement(label, 'name').text = name
        attributes = ET.SubElement(label, 'attributes')
        for fact in _FACTS:
            attribute = ET.SubElement(attributes, 'attribute')
            for tag, text in (('name', fact), ('mutable', 'False'), ('input_type', 'text')):
                ET.SubElement(attribute, tag).text = text
    for number, frame in enumerate(frames):
        stated = {'id': str(number), 'name': frame.name}
        stated |= {'width': str(frame.size_wh[0]), 'height': str(frame.size_wh[1])}
        image = ET.SubElement(root, 'image', stated)
        for box in frame.boxes:
            _add(image, box)
    ET.indent(root)
    file, constructor = folder / LABELS, folder / 'labels.json'
    ET.ElementTree(root).write(file, encoding='utf-8', xml_declaration=True)
    given = [
        {
            'name': name,
            'type': 'rectangle',
            'attributes': [
                {'name': fact, 'input_type': 'text', 'mutable': False, 'values': ['']}
                for fact in _FACTS
            ],
        }
        for name in names
    ]
    text = json.dumps(given, indent=1, ensure_ascii=False)
    constructor.write_text(f'{text}\n', encoding='utf-8')
    return [file, constructor]


def _add(image: ET.Element, box: LabelBox) -> None:
    corners = zip(('xtl', 'ytl', 'xbr', 'ybr'), box.box_xyxy, strict=True)
    stated = {'label': box.class_name, 'source': 'auto', 'occluded': '0'}
    stated |= {name: f'{value:.2f}' for name, value in corners}
    element = ET.SubElement(image, 'box', {**stated, 'z_order': '0'})
    for fact in _FACTS:
        value = getattr(box, fact)
        if value is not None:
            ET.SubElement(element, 'attribute', {'name': fact}).text = f'{value:g}'
