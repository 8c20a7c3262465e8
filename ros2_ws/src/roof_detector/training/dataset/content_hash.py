# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The content hash of a data set."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.reader import open_set

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.instance import Floats, Instance
    from training.dataset.labelled_set import Sample

_UNIT = 10**6  # label files carry six digits


def dataset_hash(path: Path | str, *, names: tuple[str, ...] = ()) -> str:
    """Return the SHA-256, 64 hexadecimal digits, of a set's images, labels, splits and names.

    Neither the order of files and lines nor file names, folders, line ends or zipping change it.
    Raises DatasetError if there is no set.
    """
    with open_set(path, names=names) as found:
        entries = sorted(_entry(sample) for sample in found.labelled.samples)
        whole = json.dumps({'names': found.labelled.names, 'samples': entries}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _entry(sample: Sample) -> list[str]:
    image_path = hashlib.sha256()
    with sample.image_path.open('rb') as stream:
        while chunk := stream.read(2**20):
            image_path.update(chunk)
    return [sample.split, image_path.hexdigest(), *sorted(_label(one) for one in sample.instances)]


def _label(instance: Instance) -> str:
    shapes = instance.polygons or (instance.box_xyxy,)
    return ' '.join((str(instance.class_id), *(_numbers(shape) for shape in shapes)))


def _numbers(shape: Floats) -> str:
    return np.rint(shape * _UNIT).astype('<i8').tobytes().hex()
