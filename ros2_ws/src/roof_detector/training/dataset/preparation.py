# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The preparation of a set for writing: read, checked, its classes mapped."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from training.dataset.class_map import ClassMap
from training.dataset.error import DatasetError
from training.dataset.image_facts import ImageFacts, facts_of_all
from training.dataset.inspection import inspect
from training.dataset.reader import open_set

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from roof_detector.inference.options import Task
    from training.dataset.labelled_set import LabelledSet, Sample
    from training.dataset.report import Report

# Faults that a rewritten set does not inherit: images become upright, labels move to their folder.
# `split` takes care of splits and duplicates.
FIXED_BY_WRITING = frozenset(
    {'duplicate', 'layout', 'rotated', 'same_name', 'split_missing', 'split_overlap'}
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Sound samples, the facts of their images, and what was left out."""

    labelled: LabelledSet
    facts: dict[Path, ImageFacts]
    task: Task
    left_out: int


@contextlib.contextmanager
def prepared(
    path: Path,
    *,
    names: tuple[str, ...] = (),
    labels: Path | None = None,
    classes: ClassMap | None = None,
    task: Task | None = None,
    skip_faulty: bool = False,
    fixed: Collection[str] = FIXED_BY_WRITING,
) -> Iterator[Prepared]:
    """Read a set for writing; raise DatasetError with all faults that writing does not fix.

    With `skip_faulty` images with a fault are left out instead. `task` is 'detect' or 'segment',
    by default that of the set; outlines become boxes, never the other way.
    """
    with open_set(path, names=names, labels=labels) as found:
        labelled = found.labelled
        facts = facts_of_all(sample.image_path for sample in labelled.samples)
        report = inspect(found, facts, path=str(path))
        if not skip_faulty:
            remaining = tuple(fault for fault in report.faults if fault.kind not in fixed)
            _refuse(replace(report, faults=remaining))
        samples = tuple(s for s in labelled.samples if _usable(s, facts[s.image_path]))
        if not samples:
            msg = f'{path} has no sound image; nothing can be written.'
            raise DatasetError(msg)
        if not labelled.names:
            msg = f'{path} names no classes; give --names.'
            raise DatasetError(msg)
        mapping = classes or ClassMap()
        mapped = replace(
            labelled,
            names=mapping.new_names(labelled.names),
            samples=tuple(
                replace(s, instances=mapping.apply(s.instances, labelled.names)) for s in samples
            ),
        )
        if task == 'segment' and mapped.task != 'segment':
            msg = f'{path} has boxes without outlines; use --task detect.'
            raise DatasetError(msg)
        left_out = len(labelled.samples) - len(samples)
        yield Prepared(labelled=mapped, facts=facts, task=task or mapped.task, left_out=left_out)


def _usable(sample: Sample, facts: ImageFacts) -> bool:
    stated = sample.stated_wh
    fits = stated is None or facts.rotated or stated == facts.size_wh
    return sample.sound and not facts.problem and fits


def _refuse(report: Report) -> None:
    try:
        report.raise_for_faults()
    except DatasetError as error:
        msg = f'{error}\nOr leave images with faults out: --skip-faulty.'
        raise DatasetError(msg) from error
