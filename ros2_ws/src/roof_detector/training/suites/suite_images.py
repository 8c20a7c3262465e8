# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images of a suite's set, with their labels, as an evaluation takes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from roof_detector.inputs.image_decoding import read_image as read_pixels
from training.dataset.fault import FaultLog
from training.dataset.labelled_set import Sample, images_below
from training.dataset.tiling import DatasetTiling, cut
from training.dataset.yolo import read_image, sample_of
from training.evaluation.errors import EvaluationError
from training.evaluation.labelled_split import LabelledSplit

if TYPE_CHECKING:
    from training.suites.suite import SuiteSet

_VARIABLE = 'ROOF_DETECTOR_DATA'
_OVERLAP, _LEAST_VISIBLE = 0.2, 0.35  # of the windows, as `roof_detector dataset convert` has


def data_folder(given: Path | None) -> Path:
    """Return the folder that a suite's paths begin in; raise EvaluationError without one."""
    folder = given or (Path(value) if (value := os.environ.get(_VARIABLE)) else None)
    if folder is None:
        msg = f'The images of a suite lie outside the project: give --data-folder or {_VARIABLE}.'
        raise EvaluationError(msg)
    if not folder.is_dir():
        msg = f'{folder} is no folder; give the one with the images by --data-folder.'
        raise EvaluationError(msg)
    return folder


def open_images(one: SuiteSet, folder: Path, scratch: Path) -> LabelledSplit | None:
    """Return a set's images, None if they are not there; windows are written to `scratch`.

    Raises EvaluationError where labels have faults, or no file is of the set's patterns.
    """
    place = folder / one.images
    if not place.exists():
        return None
    log = FaultLog(folder)
    if place.is_file():
        labels = folder / one.labels if one.labels else None
        samples = read_image(place, log, names=one.names, labels=labels).samples
    else:
        samples = tuple(
            sample_of(path, 'all', one.names, log)
            for path in images_below(place)
            if one.takes(path.name)
        )
    if log.faults:
        msg = f'The set {one.name} has {len(log.faults)} faults, first {log.faults[0]}'
        raise EvaluationError(msg)
    if not samples:
        msg = f'{place} holds no image of the set {one.name} ({", ".join(one.files) or "any"}).'
        raise EvaluationError(msg)
    if one.window_px:
        samples = tuple(_windows(one, samples[0], scratch))
    return LabelledSplit(source=place, split=one.name, names=one.classes, samples=samples)


def _windows(one: SuiteSet, sample: Sample, scratch: Path) -> list[Sample]:
    image_bgr = read_pixels(sample.image_path)
    height, width = image_bgr.shape[:2]
    left, top, right, bottom = one.region
    region = round(left * width), round(top * height), round(right * width), round(bottom * height)
    tiling = DatasetTiling(one.window_px, _OVERLAP, _LEAST_VISIBLE)
    samples = []
    for window in tiling.windows(region):
        x1, y1, x2, y2 = window
        path = scratch / f'{one.name}_{x1}_{y1}.png'
        if not cv2.imwrite(str(path), image_bgr[y1:y2, x1:x2]):
            msg = f'{path} cannot be written: give another folder for temporary files (TMPDIR).'
            raise EvaluationError(msg)
        instances = cut(
            sample.instances, window, size_wh=(width, height), least_visible=_LEAST_VISIBLE
        )
        samples.append(Sample(image_path=path, split=one.name, instances=instances))
    return samples
