# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""SageMaker Ground Truth: a manifest of JSON lines, boxes in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import as_object, parsed_lines, sized
from training.dataset.raw_labels import LabelError, RawImage, RawObject, raw_box_wh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'ground_truth'


def read_ground_truth(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file in files:
        for line, row in parsed_lines(file, log):
            job = _job(row)
            if job is None:
                log.skip('rows without boxes', file, line=line)
                continue
            label, classes = (
                row[job],
                as_object(as_object(row.get(f'{job}-metadata')).get('class-map')),
            )
            sizes = label.get('image_size')
            size = as_object(sizes[0] if isinstance(sizes, list) and sizes else None)
            wh = sized(size.get('width'), size.get('height'))
            image = RawImage(file=file, name=str(row['source-ref']), size_wh=wh, line=line)
            image.collect(
                label.get('annotations') or [],
                lambda one: _object(one, classes),  # noqa: B023 - used at once
                log,
                place='annotations',
                line=line,
            )
            yield image


def _job(row: Any) -> str | None:
    """Return the key of the labelling job, whose name the user chose."""
    if not isinstance(row, dict) or 'source-ref' not in row:
        return None
    found = (key for key, one in row.items() if isinstance(one, dict) and 'annotations' in one)
    return next(found, None)


def _object(entry: dict[str, Any], classes: dict[str, Any]) -> RawObject:
    number = str(entry['class_id'])
    if number not in classes:
        msg = f'class_id is {number}; the class-map has {sorted(classes)}.'
        raise LabelError(msg, 'class')
    box = [entry[key] for key in ('left', 'top', 'width', 'height')]
    return raw_box_wh(classes[number], box)


FORMAT = Format(
    key=KIND,
    title='SageMaker Ground Truth manifest',
    holds='boxes',
    read=read_ground_truth,
    json=lambda content: _job(content) is not None,
    tokens=('"source-ref"', '"class_id"'),
)
