# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A labelled data set in memory, whatever its format."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.inference.options import Task
    from training.dataset.instance import Instance

IMAGE_SUFFIXES = frozenset({'.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'})
SPLIT_NAMES = {
    'train': 'train',
    'training': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'test': 'test',
    'testing': 'test',
}
UNSPLIT = 'all'


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """One image of a split and its labels.

    `label_file` is None for an image without one, an allowed background. `stated_wh` is the
    image's size as its label file states it. `sound` is False if a label had a fault and is
    therefore not among the instances.
    """

    image_path: Path
    split: str
    label_file: Path | None = None
    instances: tuple[Instance, ...] = ()
    stated_wh: tuple[int, int] | None = None
    sound: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledSet:
    """A whole data set. `kind` is the format it was read from."""

    root: Path
    kind: str
    names: tuple[str, ...]
    samples: tuple[Sample, ...]

    @property
    def task(self) -> Task:
        """Return 'segment' if every instance has an outline, else 'detect'."""
        outlined = [bool(instance.polygons) for _, instance in self.instances()]
        return 'segment' if outlined and all(outlined) else 'detect'

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have images: train, val, test, then others."""
        known = {name: place for place, name in enumerate(('train', 'val', 'test'))}
        present = {sample.split for sample in self.samples}
        return tuple(sorted(present, key=lambda name: (known.get(name, 9), name)))

    def of_split(self, split: str) -> tuple[Sample, ...]:
        """Return the samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == split)

    def instances(self) -> Iterator[tuple[Sample, Instance]]:
        """Yield every instance with its image."""
        for sample in self.samples:
            for instance in sample.instances:
                yield sample, instance


def split_of(path: Path, root: Path) -> str:
    """Return the split that a path below the root names, or 'all'."""
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        parts = path.parts
    for part in parts[:-1]:
        if part.lower() in SPLIT_NAMES:
            return SPLIT_NAMES[part.lower()]
    return UNSPLIT


def images_below(folder: Path) -> list[Path]:
    """Return all image files below a folder in a fixed order, without hidden ones."""
    return sorted(
        path
        for path in folder.rglob('*')
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() and not hidden(path, folder)
    )


def nearest(paths: Sequence[Path], to: Path) -> list[Path]:
    """Return the files that share the most folders with another one."""
    shared = [len(Path(os.path.commonpath([path.parent, to.parent])).parts) for path in paths]
    return [path for path, count in zip(paths, shared, strict=True) if count == max(shared)]


def hidden(path: Path, root: Path) -> bool:
    """Return whether a file is hidden, or macOS's double of one."""
    parts = path.relative_to(root).parts
    return any(part.startswith('.') or part == '__MACOSX' for part in parts)
