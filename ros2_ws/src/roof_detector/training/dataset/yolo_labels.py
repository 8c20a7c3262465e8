# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A YOLO label file: one object per line, `class x y w h` or `class x1 y1 x2 y2 x3 y3 ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.dataset.instance import Instance, box_flaws, polygon_flaws

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.fault import FaultLog

_BOX_FIELDS = 5
_POLYGON_FIELDS = 7  # the class and three points


def read_yolo_labels(
    path: Path, names: tuple[str, ...], log: FaultLog, *, keypoint_fields: int = 0
) -> tuple[Instance, ...]:
    """Read a label file; log every fault of every line and return the sound labels.

    `keypoint_fields` numbers after a box are a pose's keypoints, which are counted and left out.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        log.fault('label_unreadable', path, f'cannot be read as text ({error}).')
        return ()
    rows = [
        (number, line.split())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if keypoint_fields:
        posed = [number for number, fields in rows if len(fields) == _BOX_FIELDS + keypoint_fields]
        if posed:
            log.skip('keypoints of poses', path, count=len(posed), line=posed[0])
        posed_lines = set(posed)
        rows = [
            (number, fields[:_BOX_FIELDS] if number in posed_lines else fields)
            for number, fields in rows
        ]
    boxes = [number for number, fields in rows if len(fields) == _BOX_FIELDS]
    polygons = [number for number, fields in rows if len(fields) >= _POLYGON_FIELDS]
    if boxes and polygons:
        log.fault(
            'mixed',
            path,
            f'{len(boxes)} box(es) beside {len(polygons)} polygon(s) in one file: training would '
            'read the boxes as outlines of two points; use one kind.',
            line=min(boxes, polygons, key=len)[0],
        )
    found = []
    for number, fields in rows:
        instance = _read_line(fields, number, names=names, path=path, log=log)
        if instance is not None:
            found.append(instance)
    return tuple(found)


def _read_line(
    fields: list[str], line: int, *, names: tuple[str, ...], path: Path, log: FaultLog
) -> Instance | None:
    class_id = _class_id(fields[0], line, names=names, path=path, log=log)
    if _is_pose(fields):
        count = (len(fields) - _BOX_FIELDS) // 3
        text = (
            f'has {len(fields)} fields, a box and {count} keypoints: a pose; add '
            f'kpt_shape: [{count}, 3] to data.yaml, and its box is read.'
        )
        log.fault('fields', path, text, line=line)
        return None
    if len(fields) != _BOX_FIELDS and (len(fields) < _POLYGON_FIELDS or len(fields) % 2 == 0):
        hint = (
            ' A sixth number is a confidence, of predictions and not of labels.'
            if len(fields) == _BOX_FIELDS + 1
            else ''
        )
        kind = 'polygon' if len(fields) == 3 else 'fields'
        log.fault(
            kind,
            path,
            f'has {len(fields)} fields; a box has 5, a polygon of 3 or more points 7, 9, 11 ...'
            f'{hint}',
            line=line,
        )
        return None
    try:
        numbers = np.array([float(value) for value in fields[1:]])
    except ValueError as error:
        log.fault('number', path, f'{error}; every field must be a number.', line=line)
        return None
    if len(fields) == _BOX_FIELDS:
        middle, size = numbers[:2], numbers[2:]
        box = np.concatenate([middle - size / 2, middle + size / 2])
        flaws = list(box_flaws(box))
        made = Instance.of_box(class_id or 0, box, line)
    else:
        polygon = numbers.reshape(-1, 2)
        flaws = list(polygon_flaws(polygon))
        made = Instance.of_polygons(class_id or 0, (polygon,), line)
    for kind, text in flaws:
        log.fault(kind, path, text, line=line)
    return None if flaws or class_id is None else made


def _class_id(
    field: str, line: int, *, names: tuple[str, ...], path: Path, log: FaultLog
) -> int | None:
    """Return the class, None if it is invalid; log why."""
    try:
        value = float(field)
    except ValueError:
        log.fault('class', path, f'{field!r} is no class number.', line=line)
        return None
    if not np.isfinite(value):
        log.fault('nan', path, f'the class is {field}; it must be a whole number.', line=line)
    elif value != int(value):
        log.fault('class', path, f'the class is {field}; it must be a whole number.', line=line)
    elif not names and value >= 0:
        return int(value)  # missing names are a fault of their own
    elif not 0 <= value < len(names):
        log.fault(
            'class',
            path,
            f'the class is {field}; the set has {len(names)}, numbered 0 to {len(names) - 1}.',
            line=line,
        )
    else:
        return int(value)
    return None


def _is_pose(fields: list[str]) -> bool:
    """Return whether keypoints with their visibility (0, 1 or 2) follow a box."""
    seen = fields[_BOX_FIELDS + 2 :: 3]
    if (len(fields) - _BOX_FIELDS) % 3 or not seen:
        return False
    try:
        values = {float(value) for value in seen}
    except ValueError:
        return False
    # An outline has no number 2, which lies outside the image.
    return values <= {0.0, 1.0, 2.0} and (2.0 in values or len(fields) % 2 == 0)
