# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A preview sheet of a set's images with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import read_image
from roof_detector.results.contact_sheet import contact_sheet
from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks
from training.dataset.error import DatasetError
from training.dataset.reader import open_set

if TYPE_CHECKING:
    from training.dataset.labelled_set import LabelledSet, Sample

SHEET_SUFFIXES = ('.jpg', '.jpeg', '.png')
_LETTERS = 44  # of a caption below a tile
_FINER = 2  # drawn at twice the size shown, so that names hide less of small objects


def preview(
    path: Path | str,
    output: Path | str,
    *,
    count: int = 24,
    columns: int = 4,
    tile_width_px: int = 480,
    split: str | None = None,
    seed: int = 0,
    names: tuple[str, ...] = (),
    labels: Path | None = None,
    draw_names: bool = True,
    overwrite: bool = False,
) -> int:
    """Write a sheet of randomly chosen images, each with its labels, and return how many.

    A faulty set can be previewed too: its sound part is drawn. Raises DatasetError if nothing can
    be shown or the file exists.
    """
    output = Path(output)
    if output.suffix.lower() not in SHEET_SUFFIXES:
        msg = f'{output} is no image; end its name in {", ".join(SHEET_SUFFIXES)}.'
        raise DatasetError(msg)
    if output.exists() and not overwrite:
        msg = f'{output} exists already, not overwriting. Give --overwrite.'
        raise DatasetError(msg)
    if count < 1:
        msg = f'{count} images cannot be shown; ask for one or more.'
        raise DatasetError(msg)
    with open_set(path, names=names, labels=labels) as found:
        labelled = found.labelled
        samples = labelled.samples if split is None else labelled.of_split(split)
        if not samples:
            have = ', '.join(labelled.splits) or 'no images'
            msg = f'{path} has no split {split!r}; it has {have}.'
            raise DatasetError(msg)
        chosen = _choose(samples, count, seed)
        shown = [
            (drawn, _caption(sample))
            for sample in chosen
            if (
                drawn := draw_sample(
                    sample, labelled, width_px=tile_width_px, draw_names=draw_names
                )
            )
            is not None
        ]
    if not shown:
        msg = f'{path}: no image of the {len(chosen)} chosen can be read.'
        raise DatasetError(msg)
    sheet = contact_sheet(shown, columns=columns, tile_width_px=tile_width_px)
    done, packed = cv2.imencode(output.suffix.lower(), sheet)
    if not done:
        msg = f'A sheet of {sheet.shape[1]}x{sheet.shape[0]} pixels is too large.'
        raise DatasetError(msg)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(packed.tobytes())
    return len(shown)


def draw_sample(
    sample: Sample, labelled: LabelledSet, *, width_px: int, draw_names: bool = True
) -> npt.NDArray[np.uint8] | None:
    """Return an image with its labels to be shown `width_px` wide; None if it cannot be read."""
    try:
        image = read_image(sample.image_path)
    except InputError:
        return None
    scale = min(1.0, _FINER * width_px / image.shape[1])
    size_wh = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    used = max((one.class_id for one in sample.instances), default=-1)
    names = (*labelled.names, *(f'class {i}' for i in range(len(labelled.names), used + 1)))
    found = as_detections(sample, size_wh)
    return draw_detections(small, found, names, draw_labels=draw_names)


def as_detections(sample: Sample, size_wh: tuple[int, int]) -> Detections:
    """Return an image's labels as detections, for code that draws and compares detections."""
    if not sample.instances:
        return Detections.empty()
    boxes = np.stack([one.box_xyxy for one in sample.instances]) * np.tile(size_wh, 2)
    masks = None
    if any(one.polygons for one in sample.instances):
        masks = InstanceMasks(
            logits=np.stack([_logits(one.polygons, size_wh) for one in sample.instances]),
            boxes_xyxy=boxes.astype(np.float32),
            geometry=Letterbox(
                source_wh=size_wh, resized_wh=size_wh, input_wh=size_wh, pad_xy=(0, 0)
            ),
        )
    return Detections(
        boxes_xyxy=boxes.astype(np.float32),
        scores=np.ones(len(boxes), np.float32),
        class_ids=np.array([one.class_id for one in sample.instances], dtype=np.int32),
        masks=masks,
    )


def _logits(
    polygons: tuple[npt.NDArray[np.float64], ...], size_wh: tuple[int, int]
) -> npt.NDArray[np.float32]:
    mask = np.zeros(size_wh[::-1], dtype=np.uint8)
    if polygons:
        outlines = [np.rint(polygon * size_wh).astype(np.int32) for polygon in polygons]
        cv2.fillPoly(mask, outlines, (1.0,))
    return mask.astype(np.float32) - 0.5


def _choose(samples: tuple[Sample, ...], count: int, seed: int) -> list[Sample]:
    """Choose images at random, those with labels first, and keep their order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(samples)).tolist()
    order.sort(key=lambda i: not samples[i].instances)
    return [samples[i] for i in sorted(order[:count])]


def _caption(sample: Sample) -> str:
    name = sample.image_path.stem
    short = name if len(name) <= _LETTERS else f'{name[: _LETTERS - 3]}...'
    # OpenCV's letters are those of ASCII.
    return f'{sample.split}: {short}'.encode('ascii', 'replace').decode()
