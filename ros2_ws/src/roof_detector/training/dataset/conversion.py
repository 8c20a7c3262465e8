# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The conversion of a set of any format to YOLO, whole images or tiles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from roof_detector.inference.options import TASKS
from training.dataset.error import DatasetError
from training.dataset.piece import Piece, tiles
from training.dataset.preparation import Prepared, prepared
from training.dataset.yolo_writer import (
    fresh_folder,
    split_folders,
    write_data_yaml,
    write_pieces,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.inference.options import Task
    from training.dataset.class_map import ClassMap
    from training.dataset.tiling import DatasetTiling


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How a set is converted; see `prepared` and `tiles` for the meaning of each option."""

    names: tuple[str, ...] = ()
    labels: Path | None = None
    classes: ClassMap | None = None
    task: Task | None = None
    tiling: DatasetTiling | None = None
    val_from_x: float | None = None
    keep_empty: bool = True
    skip_faulty: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.task not in (None, *TASKS):
            msg = f'The task is {self.task!r}; choose detect or segment.'
            raise DatasetError(msg)
        if self.val_from_x is not None and not 0 < self.val_from_x < 1:
            msg = f'The border is at {self.val_from_x}; give a share between 0 and 1.'
            raise DatasetError(msg)
        if self.val_from_x is not None and self.tiling is None:
            msg = 'Only tiles can be split by their place; give --tile too.'
            raise DatasetError(msg)


@dataclass(frozen=True)
class Outcome:
    """What was written: images by split, instances, and images left out because of faults."""

    output: Path
    images: dict[str, int]
    left_out: int


def convert(path: Path | str, output: Path | str, options: Conversion | None = None) -> Outcome:
    """Write a set as YOLO into a new folder and return what was written.

    Raises DatasetError if the set has faults that writing does not fix, or if the folder exists;
    then nothing is left behind.
    """
    options, output = options or Conversion(), Path(output)
    with (
        fresh_folder(output, overwrite=options.overwrite) as folder,
        prepared(
            Path(path),
            names=options.names,
            labels=options.labels,
            classes=options.classes,
            task=options.task,
            skip_faulty=options.skip_faulty,
        ) as ready,
    ):
        bar = tqdm(_pieces(ready, options), unit='image', desc='writing', leave=False)
        written = write_pieces(bar, folder, task=ready.task)
        if not written:
            msg = f'{path} gives no image with these options; nothing is written.'
            raise DatasetError(msg)
        remark = f'Converted from {Path(path).name} ({ready.labelled.kind}), task {ready.task}.'
        splits = split_folders(written)
        write_data_yaml(folder / 'data.yaml', ready.labelled.names, splits, remark=remark)
        left_out = ready.left_out
    return Outcome(output, {name: len(paths) for name, paths in written.items()}, left_out)


def _pieces(ready: Prepared, options: Conversion) -> Iterator[Piece]:
    for sample in ready.labelled.samples:
        facts = ready.facts[sample.image_path]
        large = options.tiling is not None and max(facts.size_wh) > options.tiling.size_px
        if options.tiling is None or not (large or options.val_from_x is not None):
            yield Piece(
                image_path=sample.image_path,
                name=sample.image_path.stem,
                split=sample.split,
                instances=sample.instances,
                upright=not facts.rotated,
            )
            continue
        yield from tiles(
            sample,
            facts.size_wh,
            options.tiling,
            val_from_x=options.val_from_x,
            keep_empty=options.keep_empty,
        )
