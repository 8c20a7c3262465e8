# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""FiftyOne: a dataset folder (samples.json), or its detection data set (labels.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import as_object, documents, sized
from training.dataset.labelled_set import SPLIT_NAMES
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    SkippedLabel,
    raw_box_wh,
    raw_outlines,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'fiftyone'
_LISTS = {'Detections': 'detections', 'Polylines': 'polylines'}


def read_fiftyone(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files; the first field with boxes or outlines that is no prediction counts."""
    declared: list[str] = []
    images = list(_images(files, log, declared))
    return assemble(KIND, images, root, log, names=names, declared=declared)


def _images(files: Sequence[Path], log: FaultLog, declared: list[str]) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        content = document.content
        if isinstance(content.get('labels'), dict):
            yield from _of_labels(file, content, log, declared)
            continue
        for number, sample in enumerate(content.get('samples') or []):
            line = document.line('samples', number)
            if not isinstance(sample, dict) or not isinstance(sample.get('filepath'), str):
                log.fault('json', file, f'samples[{number}] has no filepath.', line=line)
                continue
            metadata = as_object(sample.get('metadata'))
            image = RawImage(
                file=file,
                name=sample['filepath'],
                size_wh=sized(metadata.get('width'), metadata.get('height')),
                split=_split(sample.get('tags')),
                line=line,
            )
            field, found = _field(sample, file, line, log)
            place = f'samples[{number}].{field}'
            image.collect(found, _object, log, place=place, line=line)
            yield image


def _of_labels(
    file: Path, content: dict[str, Any], log: FaultLog, declared: list[str]
) -> Iterator[RawImage]:
    classes = [str(one) for one in content.get('classes') or []]
    declared += classes
    for key, found in content['labels'].items():
        image = RawImage(file=file, name=str(key))
        entries = found if isinstance(found, list) else []
        image.collect(entries, lambda one: _numbered(one, classes), log, place=f'labels[{key}]')
        yield image


def _numbered(entry: dict[str, Any], classes: list[str]) -> RawObject:
    label = entry.get('label')
    if isinstance(label, int) and not isinstance(label, bool):
        if not 0 <= label < len(classes):
            msg = f'the label is {label}; the file has {len(classes)} classes.'
            raise LabelError(msg, 'class')
        label = classes[label]
    return _object({**entry, 'label': label})


def _split(tags: Any) -> str | None:
    named = (str(tag).lower() for tag in tags) if isinstance(tags, list) else ()
    return next((SPLIT_NAMES[tag] for tag in named if tag in SPLIT_NAMES), None)


def _field(sample: dict[str, Any], file: Path, line: int, log: FaultLog) -> tuple[str, list[Any]]:
    """Return the field of the labels: ground_truth if there is one, else the first of others."""
    fields = {
        key: value[_LISTS[value['_cls']]] or []
        for key, value in sample.items()
        if isinstance(value, dict) and value.get('_cls') in _LISTS
    }
    if not fields:
        return 'ground_truth', []
    first = 'ground_truth' if 'ground_truth' in fields else next(iter(fields))
    if more := sum(len(found) for key, found in fields.items() if key != first):
        log.skip(f'objects of fields other than {first}', file, count=more, line=line)
    return first, fields[first]


def _object(entry: dict[str, Any]) -> RawObject:
    name = entry.get('label')
    if entry.get('iscrowd'):
        msg = 'crowds'
        raise SkippedLabel(msg)
    if 'bounding_box' in entry:
        return raw_box_wh(name, entry['bounding_box'], in_shares=True)
    if 'points' in entry:
        if not entry.get('closed', True):
            msg = f'{name!r} is an open polyline, which'
            raise refused(msg)
        outlines = [np.array(one, np.float64) for one in entry['points']]
        return raw_outlines(name, outlines, in_shares=True)
    msg = f'{name!r} has no bounding_box; export it again.'
    raise LabelError(msg, 'shape')


def _is_fiftyone(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    samples = content.get('samples')
    if isinstance(samples, list):
        return not samples or (isinstance(samples[0], dict) and 'filepath' in samples[0])
    return isinstance(content.get('labels'), dict) and 'classes' in content


FORMAT = Format(
    key=KIND,
    title='FiftyOne dataset folder',
    holds='boxes, closed polylines; masks of single boxes are not used',
    read=read_fiftyone,
    json=_is_fiftyone,
    tokens=('"samples"', '"filepath"'),
)
