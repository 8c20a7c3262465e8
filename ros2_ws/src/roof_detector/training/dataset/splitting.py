# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Splits of a set that keep neighbouring images together, and the class balance they reach."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.allocation import allocate
from training.dataset.error import DatasetError
from training.dataset.groups import FLIGHT_GAP_S, PLACE_GAP_M, groups_of
from training.dataset.groups import WAYS as GROUP_WAYS
from training.dataset.labelled_set import UNSPLIT, Sample
from training.dataset.likeness import alike
from training.dataset.line_cut import GUARD_FRAMES, LEFT_OUT, cut_along
from training.dataset.line_cut import WAYS as LINE_WAYS
from training.dataset.piece import Piece
from training.dataset.preparation import Prepared, prepared
from training.dataset.yolo_writer import (
    fresh_folder,
    split_folders,
    write_data_yaml,
    write_pieces,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WAYS = (*GROUP_WAYS, *LINE_WAYS)


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """How a set is split: shares for one split, or a number of folds."""

    val: float = 0.2
    test: float = 0.0
    folds: int = 0
    by: str = 'auto'
    seed: int = 0
    place_gap_m: float = PLACE_GAP_M
    flight_gap_s: float = FLIGHT_GAP_S
    guard_frames: int = GUARD_FRAMES
    names: tuple[str, ...] = ()
    skip_faulty: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            msg = f'A set is not split by {self.by!r}; choose one of {WAYS}.'
            raise DatasetError(msg)
        if not 0 < self.val < 1 or not 0 <= self.test < 1 or self.val + self.test >= 1:
            msg = (
                f'The shares val {self.val} and test {self.test} leave nothing to train on; '
                'give less than 1 in all, and some to val.'
            )
            raise DatasetError(msg)
        if self.folds < 0 or self.folds == 1:
            msg = f'{self.folds} folds are no split; give 2 or more, or none.'
            raise DatasetError(msg)

    @property
    def parts(self) -> dict[str, float]:
        """Return the share of each split."""
        if self.folds:
            return {f'fold {i}': 1 / self.folds for i in range(self.folds)}
        shares = {'train': 1 - self.val - self.test, 'val': self.val, 'test': self.test}
        return {name: share for name, share in shares.items() if share > 0}


@dataclass(frozen=True, kw_only=True)
class ClassBalance:
    """The result of a split: the images and the objects of each class in each split."""

    output: Path
    groups: int
    left_out: int
    images: dict[str, int]
    instances: dict[str, dict[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for part in self.instances.values() for name in part))
        wide = max(len(name) for name in ('images', *names)) + 2
        head = f'{"":10}{"images":>{wide}}' + ''.join(f'{name:>{wide}}' for name in names)
        rows = [
            f'{part:10}{count:>{wide}}'
            + ''.join(f'{self.instances[part].get(name, 0):>{wide}}' for name in names)
            for part, count in self.images.items()
        ]
        note = f'{self.groups} group(s) kept together, {self.left_out} image(s) left out.'
        return '\n'.join((head, *rows, note))


def split_dataset(
    path: Path | str, output: Path | str, options: SplitOptions | None = None
) -> ClassBalance:
    """Write a set with new splits as YOLO into a new folder and return the class balance.

    The same set, options and seed give the same split. With folds, data_0.yaml, data_1.yaml ...
    each leave another fold out of training. Raises DatasetError if the set is faulty or its images
    cannot be separated.
    """
    options, output = options or SplitOptions(), Path(output)
    with (
        fresh_folder(output, overwrite=options.overwrite) as folder,
        prepared(Path(path), names=options.names, skip_faulty=options.skip_faulty) as ready,
    ):
        samples = _once(ready.labelled.samples)
        parts, groups = _parts(samples, ready, options)
        kept = [(s, part) for s, part in zip(samples, parts, strict=True) if part != LEFT_OUT]
        part_names = list(options.parts)
        pieces = [
            _piece(sample, UNSPLIT if options.folds else part_names[part], ready)
            for sample, part in kept
        ]
        written = write_pieces(pieces, folder, task=ready.task)
        names = ready.labelled.names
        if options.folds:
            _write_folds(folder, written[UNSPLIT], [part for _, part in kept], names, options)
        else:
            remark = f'Split from {Path(path).name} by {options.by}, seed {options.seed}.'
            splits = split_folders(written)
            write_data_yaml(folder / 'data.yaml', names, splits, remark=remark)
    counts = {name: Counter[str]() for name in part_names}
    for sample, part in kept:
        counts[part_names[part]].update(names[one.class_id] for one in sample.instances)
    return ClassBalance(
        output=output,
        groups=groups,
        left_out=ready.left_out + len(samples) - len(kept),
        images={name: sum(part == i for _, part in kept) for i, name in enumerate(part_names)},
        instances={name: {one: found[one] for one in names} for name, found in counts.items()},
    )


def _once(samples: Sequence[Sample]) -> list[Sample]:
    """Return each image once, also if two splits name it, in the order of names."""
    found = {sample.image_path.resolve(): sample for sample in samples}
    return sorted(found.values(), key=lambda s: (s.image_path.name, s.image_path.as_posix()))


def _parts(
    samples: Sequence[Sample], ready: Prepared, options: SplitOptions
) -> tuple[list[int], int]:
    """Return the split of each sample, or that it is left out, and the number of groups."""
    facts = [ready.facts[sample.image_path] for sample in samples]
    shares = list(options.parts.values())
    if options.by in LINE_WAYS:
        parts = cut_along(samples, facts, shares, by=options.by, guard_frames=options.guard_frames)
        for i, j in alike([one.thumbnail for one in facts]):
            # A drone that hovers shows the same on both sides of the cut.
            if LEFT_OUT not in (parts[i], parts[j]) and parts[i] != parts[j]:
                parts[j if parts[j] > parts[i] else i] = LEFT_OUT
        if empty := [name for i, name in enumerate(options.parts) if i not in parts]:
            msg = (
                f'Nothing is left for {", ".join(empty)}: all touches a cut. '
                'Lower --guard-frames, use smaller tiles or fewer parts.'
            )
            raise DatasetError(msg)
        return parts, len(set(parts) - {LEFT_OUT})
    groups = groups_of(
        samples,
        facts,
        by=options.by,
        place_gap_m=options.place_gap_m,
        flight_gap_s=options.flight_gap_s,
    )
    counts = np.zeros((max(groups) + 1, 1 + len(ready.labelled.names)))
    for group, sample in zip(groups, samples, strict=True):
        counts[group, 0] += 1
        for instance in sample.instances:
            counts[group, 1 + instance.class_id] += 1
    try:
        chosen = allocate(counts, shares, seed=options.seed)
    except DatasetError as error:
        msg = (
            f'{error} Split one long video with --by order, tiles of one orthophoto with --by x, '
            'one place with a smaller --place-gap-m; or by less: --by look.'
        )
        raise DatasetError(msg) from error
    return [int(chosen[group]) for group in groups], len(counts)


def _piece(sample: Sample, split: str, ready: Prepared) -> Piece:
    upright = not ready.facts[sample.image_path].rotated
    return Piece(
        image_path=sample.image_path,
        name=sample.image_path.stem,
        split=split,
        instances=sample.instances,
        upright=upright,
    )


def _write_folds(
    folder: Path,
    images: list[Path],
    parts: list[int],
    names: tuple[str, ...],
    options: SplitOptions,
) -> None:
    for fold in range(options.folds):
        lists = {'train': f'fold_{fold}_train.txt', 'val': f'fold_{fold}_val.txt'}
        for split, name in lists.items():
            # A leading ./ makes ultralytics look beside the list.
            chosen = [
                f'./{image_path.as_posix()}\n'
                for image_path, part in zip(images, parts, strict=True)
                if (part == fold) == (split == 'val')
            ]
            (folder / name).write_text(''.join(chosen), encoding='utf-8')
        remark = f'Fold {fold} of {options.folds}, by {options.by}, seed {options.seed}.'
        write_data_yaml(folder / f'data_{fold}.yaml', names, lists, remark=remark)
