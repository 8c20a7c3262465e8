# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One annotation of a COCO file: a box, polygons, or a run-length mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import mask as coco_mask

from training.dataset.instance import Floats, Instance, box_flaws, polygon_flaws
from training.dataset.outline import mask_polygons

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.fault import FaultLog

# Pixel coordinates are rounded to whole pixels by some tools, or count from 1.
_ROUNDING_PX = 1.0


def read_annotation(
    entry: dict[str, Any],
    line: int,
    class_ids: dict[Any, int],
    *,
    size_wh: tuple[int, int],
    file: Path,
    log: FaultLog,
) -> Instance | None:
    """Return the instance of an annotation; None, with the faults logged, if it is faulty.

    A crowd (`iscrowd`) is not a single object; it is left out with a warning.
    """
    if entry.get('iscrowd'):
        log.caution('crowd', file, 'is a crowd, which training leaves out.', line=line)
        return None
    class_id = class_ids.get(entry['category_id'])
    flaws = []
    if class_id is None:
        known = ', '.join(map(str, class_ids))
        flaws = [('class', f'category_id is {entry["category_id"]!r}; the file has {known}.')]
    made: Instance | None = None
    try:
        made, found = _shape(entry, class_id or 0, line, size_wh)
        flaws += found
    except (TypeError, ValueError, KeyError) as error:
        flaws.append(('number', f'the annotation cannot be read ({error}).'))
    for kind, text in flaws:
        log.fault(kind, file, text, line=line)
    return None if flaws else made


def _shape(
    entry: dict[str, Any], class_id: int, line: int, size_wh: tuple[int, int]
) -> tuple[Instance | None, list[tuple[str, str]]]:
    size = np.array(size_wh, dtype=np.float64)
    rounding = _ROUNDING_PX / float(size.min())
    segmentation = entry.get('segmentation')
    if isinstance(segmentation, dict):
        polygons = tuple(p / size for p in mask_polygons(run_length_mask(segmentation, size_wh)))
        if not polygons:
            return None, [('zero_area', 'the mask covers nothing; remove the annotation.')]
        return Instance.of_polygons(class_id, polygons, line), []
    if isinstance(segmentation, list) and segmentation:
        outlines: list[Floats] = []
        for numbers in segmentation:
            if len(numbers) % 2 or len(numbers) < 6:
                text = f'a polygon has {len(numbers)} numbers; 3 or more points are needed.'
                return None, [('polygon', text)]
            outlines.append(np.array(numbers, dtype=np.float64).reshape(-1, 2) / size)
        flaws = [f for outline in outlines for f in polygon_flaws(outline, rounding=rounding)]
        return (None if flaws else Instance.of_polygons(class_id, tuple(outlines), line)), flaws
    x, y, width, height = (float(value) for value in entry['bbox'])
    box = np.array([x, y, x + width, y + height]) / np.tile(size, 2)
    flaws = list(box_flaws(box, rounding=rounding))
    return (None if flaws else Instance.of_box(class_id, box, line)), flaws


def run_length_mask(
    segmentation: dict[str, Any], size_wh: tuple[int, int]
) -> np.ndarray[Any, Any]:
    """Decode run lengths, plain or compressed; raise ValueError if they do not add up."""
    width, height = size_wh
    size, counts = segmentation['size'], segmentation['counts']
    if list(size) != [height, width]:
        msg = f'the mask is for {size} (height, width), the image has {size_wh}'
        raise ValueError(msg)
    if isinstance(counts, list):
        if any(not isinstance(run, int) or run < 0 for run in counts):
            msg = 'a run of the mask is no whole number of pixels'
            raise ValueError(msg)
        if sum(counts) != width * height:
            msg = f'the runs add up to {sum(counts)}, not {width * height} pixels'
            raise ValueError(msg)
        packed = coco_mask.frPyObjects({'size': [height, width], 'counts': counts}, height, width)
    else:
        raw = counts.encode() if isinstance(counts, str) else bytes(counts)
        if (total := _compressed_total(raw)) != width * height:
            msg = f'the runs add up to {total}, not {width * height} pixels'
            raise ValueError(msg)
        packed = {'size': [height, width], 'counts': raw}
    return np.asarray(coco_mask.decode(packed)).astype(np.bool_)


def _compressed_total(raw: bytes) -> int:
    """Add up the runs of a compressed mask, which the decoder itself does not check.

    Each run is written in base 32 with 48 added, from the third run on as the difference to the
    run before the last (COCO API, rleToString).
    """
    runs: list[int] = []
    at = 0
    while at < len(raw):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(raw):
                msg = 'the mask ends in the middle of a run'
                raise ValueError(msg)
            digit = raw[at] - 48
            if not 0 <= digit < 64:
                msg = 'the mask holds a letter that run lengths do not use'
                raise ValueError(msg)
            value |= (digit & 0x1F) << shift
            shift, more, at = shift + 5, bool(digit & 0x20), at + 1
            if not more and digit & 0x10:
                value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if runs[-1] < 0:
            msg = 'the mask has a run of negative length'
            raise ValueError(msg)
    return sum(runs)
