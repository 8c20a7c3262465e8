# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Label Studio: tasks with regions in percent (JSON), or the regions alone (JSON-MIN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.image_bytes import brush_mask, mask_outlines
from training.dataset.json_file import documents, is_list_of, sized
from training.dataset.raw_labels import (
    LabelError,
    RawImage,
    RawObject,
    SkippedLabel,
    ellipse,
    raw_box_wh,
    raw_outlines,
    refused,
    rotated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'label_studio'
_IMAGE_KEYS = ('image', 'img', 'image_url', 'url', 'image', 'photo')
_SHAPES = ('rectanglelabels', 'polygonlabels', 'brushlabels', 'ellipselabels')
_WITHOUT_AREA = {'keypointlabels': 'a keypoint', 'vectorlabels': 'a vector'}


def read_label_studio(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the tasks; of several annotations of a task the first that was not cancelled counts."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        tasks = document.content.get('', [document.content])
        for number, task in enumerate(tasks):
            line = document.line('', number)
            if not isinstance(task, dict):
                log.fault('json', file, f'[{number}] is no task.', line=line)
                continue
            stated = _image_of(task.get('data') if isinstance(task.get('data'), dict) else task)
            if stated is None:
                text = f'[{number}] names no image; only image tasks are read.'
                log.fault('image_missing', file, text, line=line)
                continue
            if _is_waiting(task):
                log.skip('tasks that nobody annotated yet', file, line=line, place=f'[{number}]')
                continue
            image = RawImage(file=file, name=stated, line=line)
            for place, region in _regions(task, file, line, log):
                where = f'[{number}].{place}'
                image.collect_one(region, _object, log, place=where, line=line)
                image.size_wh = image.size_wh or _size(region)
            yield image


def _is_waiting(task: dict[str, Any]) -> bool:
    """Return whether a task has predictions of a model and no annotation of a person."""
    annotations = task.get('annotations', task.get('completions'))
    return bool(task.get('predictions')) and annotations == []


def _image_of(data: Any) -> str | None:
    named = {key: value for key, value in data.items() if isinstance(value, str)}
    for key in _IMAGE_KEYS:
        if named.get(key):
            return str(named[key])
    suffixed = (
        value
        for value in named.values()
        if value.lower().endswith(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'))
    )
    return next(suffixed, None)


def _regions(
    task: dict[str, Any], file: Path, line: int, log: FaultLog
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and region of a task; regions of JSON-MIN stand in lists beside the image."""
    annotations = task.get('annotations', task.get('completions'))
    if isinstance(annotations, list):
        valid = [
            (number, one)
            for number, one in enumerate(annotations)
            if isinstance(one, dict) and not one.get('was_cancelled')
        ]
        if cancelled := len(annotations) - len(valid):
            log.skip('cancelled annotations', file, count=cancelled, line=line)
        if len(valid) > 1:
            log.skip(
                "further annotators' versions of a task", file, count=len(valid) - 1, line=line
            )
        for number, one in valid[:1]:
            for place, region in enumerate(one.get('result') or []):
                yield f'annotations[{number}].result[{place}]', region
        return
    for key, value in task.items():
        for place, region in enumerate(value if isinstance(value, list) else []):
            if isinstance(region, dict) and 'original_width' in region:
                yield f'{key}[{place}]', region


def _size(region: Any) -> tuple[int, int] | None:
    if not isinstance(region, dict):
        return None
    return sized(region.get('original_width'), region.get('original_height'))


def _object(region: dict[str, Any]) -> RawObject:
    value = region.get('value', region)
    if region.get('type') == 'relation' or 'choices' in value or 'text' in value:
        msg = 'choices, texts and relations, which are no objects,'
        raise SkippedLabel(msg)
    key = next((one for one in (*_SHAPES, *_WITHOUT_AREA, 'labels') if one in value), None)
    labels = value.get(key) if key else None
    if not labels:
        msg = 'regions without a label'
        raise SkippedLabel(msg)
    name, size = labels[0], np.array(_size(region) or (0, 0), dtype=np.float64)
    if key in _WITHOUT_AREA:
        msg = f'{name!r} is {_WITHOUT_AREA[key]}, which'
        raise refused(msg)
    if size.min() <= 0:
        msg = 'the region states no original_width and original_height.'
        raise LabelError(msg, 'size')
    if 'points' in value:
        return raw_outlines(name, [np.array(value['points'], np.float64) / 100 * size])
    if 'rle' in value:
        width, height = int(size[0]), int(size[1])
        return raw_outlines(name, mask_outlines(brush_mask(value['rle'], (width, height))))
    corner = np.array([value['x'], value['y']], dtype=np.float64) / 100 * size
    degrees = float(value.get('rotation') or 0)
    if 'radiusX' in value:
        radii = np.array([value['radiusX'], value['radiusY']], np.float64) / 100 * size
        return raw_outlines(name, [ellipse(corner.tolist(), radii.tolist(), degrees)])
    width, height = np.array([value['width'], value['height']], np.float64) / 100 * size
    if not degrees:
        return raw_box_wh(name, (*corner, width, height))
    # A region turns around its upper left corner, in pixels and not in percent.
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return raw_outlines(name, [rotated(corners, degrees) + corner])


def _is_tasks(content: Any) -> bool:
    if isinstance(content, dict):
        content = [content]
    for key in ('annotations', 'completions'):
        if is_list_of(content, key, 'data'):
            return True
    return is_list_of(content, 'id', 'image') and any(
        isinstance(task, dict) and {'annotator', 'annotation_id', 'lead_time'} & task.keys()
        for task in content
    )


FORMAT = Format(
    key=KIND,
    title='Label Studio JSON and JSON-MIN',
    holds='rectangles (also rotated), polygons, ellipses, brush masks; keypoints are refused',
    read=read_label_studio,
    json=_is_tasks,
    tokens=('"original_width"', '"image'),
)
