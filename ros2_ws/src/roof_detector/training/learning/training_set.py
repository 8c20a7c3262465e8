# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The fixed training set together with corrections, as one set that training reads."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from training.dataset import dataset_hash
from training.dataset.class_map import ClassMap
from training.dataset.conversion import Conversion, convert
from training.dataset.data_yaml import read_data_yaml
from training.dataset.error import DatasetError
from training.dataset.fault import FaultLog
from training.dataset.labelled_set import UNSPLIT
from training.dataset.reader import open_set
from training.learning.errors import LearningError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.dataset.data_yaml import DataYaml


@dataclass(frozen=True, kw_only=True)
class AddedSet:
    """A set of corrections: its name, hash, images and instances."""

    name: str
    sha256: str
    images: int
    instances: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class CombinedSet:
    """The description of the whole; `lost` says which sets are not in it, and why."""

    data: Path
    names: tuple[str, ...]
    splits: tuple[str, ...]
    added: tuple[AddedSet, ...]
    lost: tuple[str, ...]


def combine(base: Path, labels: Sequence[Path], folder: Path) -> CombinedSet:
    """Write a data.yaml whose training images are those of a fixed set and of corrections.

    Validation and test stay those of the fixed set, and so do its classes and their numbers. A
    set that is damaged, or labels a class that the fixed one does not have, is left out. `folder`
    is made again. Raises LearningError where nothing is left to add.
    """
    fixed = _described(base)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    train = [str(place) for place in fixed.splits['train']]
    added: list[AddedSet] = []
    lost: list[str] = []
    for number, source in enumerate(labels):
        try:
            one, images = _add(source, fixed.names, folder / f'labels_{number}')
        except (DatasetError, LearningError, OSError) as error:
            lost.append(f'{source} is not learned from: {error}')
            continue
        added.append(one)
        train.append(str(images))
    if not added:
        msg = f'There are no corrections to learn from. {" ".join(lost)}'.rstrip()
        raise LearningError(msg)
    content = {
        'train': train,
        **{
            split: [str(place) for place in places]
            for split, places in fixed.splits.items()
            if split != 'train'
        },
        'names': dict(enumerate(fixed.names)),
    }
    data = folder / 'data.yaml'
    data.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding='utf-8')
    return CombinedSet(
        data=data,
        names=fixed.names,
        splits=tuple(fixed.splits),
        added=tuple(added),
        lost=tuple(lost),
    )


def _described(base: Path) -> DataYaml:
    log = FaultLog(base.parent)
    if not base.is_file():
        msg = f'{base} does not exist; name the data.yaml of the fixed training set.'
        raise LearningError(msg)
    found = read_data_yaml(base, log)
    if found is None or not {'train', 'val'} <= found.splits.keys() or log.faults:
        reasons = ' '.join(map(str, log.faults)) or 'it needs train, val and names.'
        msg = f'{base} is no training set: {reasons}'
        raise LearningError(msg)
    return found


def _add(source: Path, names: tuple[str, ...], folder: Path) -> tuple[AddedSet, Path]:
    """Write a set with the class numbers of the fixed one; return it and its images."""
    with open_set(source) as opened:
        labelled = opened.labelled
        used = {labelled.names[one.class_id] for _, one in labelled.instances()}
        drop = [name for name in labelled.names if name not in names and name not in used]
    if strangers := sorted(used - set(names)):
        msg = (
            f'it labels {", ".join(strangers)}, and the fixed set has {", ".join(names)}. Rename '
            'with "roof_detector dataset convert --map", or train with more classes.'
        )
        raise LearningError(msg)
    classes = ClassMap.parse([], drop=drop, order=names)
    convert(source, folder, Conversion(classes=classes))
    images = folder / 'images' / ('train' if (folder / 'images' / 'train').is_dir() else UNSPLIT)
    if not images.is_dir():
        msg = 'it has no images to train on.'
        raise LearningError(msg)
    with open_set(folder) as written:
        samples = [
            one for one in written.labelled.samples if one.image_path.parent.name == images.name
        ]
        facts = AddedSet(
            name=source.resolve().name,
            sha256=dataset_hash(folder),
            images=len(samples),
            instances=sum(len(one.instances) for one in samples),
        )
    return facts, images
