# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images and labels on which a model is measured."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.dataset.error import DatasetError
from training.dataset.labelled_set import UNSPLIT, Sample
from training.dataset.reader import OpenSet, open_set
from training.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledSplit:
    """The class names and images of one split; `notes` say what was left out."""

    source: Path
    split: str
    names: tuple[str, ...]
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def open_split(
    source: str | Path,
    *,
    split: str = 'val',
    names: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Iterator[LabelledSplit]:
    """Open one split of a data set of any format; the images of a zip exist in the context.

    A set without splits is used as a whole. `names` are those of the classes in order of their
    ids, for a set that has none or other ones. `skip_faulty` leaves out images whose labels have
    faults, which raise an error otherwise. Raises EvaluationError.
    """
    try:
        with open_set(source, names=tuple(names)) as found:
            yield _choose(found, Path(source), split, tuple(names), skip_faulty=skip_faulty)
    except DatasetError as error:
        raise EvaluationError(str(error)) from error


def _choose(
    found: OpenSet, source: Path, split: str, names: tuple[str, ...], *, skip_faulty: bool
) -> LabelledSplit:
    labelled, faults = found.labelled, [str(fault) for fault in found.log.faults]
    remedy = f'roof_detector dataset check {source} lists them all.'
    if not labelled.names:
        msg = (
            f'{source} does not name its classes, name them in order of their ids: '
            '--names equip drain'
        )
        raise EvaluationError(msg)
    if names and len(names) != len(labelled.names):
        msg = (
            f'{source} has {len(labelled.names)} classes ({", ".join(labelled.names)}), but '
            f'{len(names)} names were given: {", ".join(names)}.'
        )
        raise EvaluationError(msg)
    chosen = UNSPLIT if labelled.splits == (UNSPLIT,) else split
    samples = labelled.of_split(chosen)
    if not samples:
        raise EvaluationError(
            f'{source} has no image in the split {split!r}, it has: '
            f'{", ".join(labelled.splits) or "none at all"}. Choose one with --split. '
            f'{" ".join(faults[:1])}'.rstrip()
        )
    sound = tuple(sample for sample in samples if sample.sound)
    if len(sound) < len(samples) and not (skip_faulty and sound):
        msg = (
            f'{source}: {len(samples) - len(sound)} of {len(samples)} images have faulty '
            f'labels, first {faults[0]} {remedy} --skip-faulty leaves them out.'
        )
        raise EvaluationError(msg)
    notes = []
    if len(sound) < len(samples):
        notes.append(
            f'{len(samples) - len(sound)} of {len(samples)} images are left out: their labels '
            f'have faults. {remedy}'
        )
    elif faults:
        notes.append(f'The data set has {len(faults)} fault(s), first {faults[0]} {remedy}')
    if unlabelled := sum(sample.label_file is None for sample in sound):
        notes.append(f'{unlabelled} of {len(sound)} images have no labels and count as empty.')
    return LabelledSplit(
        source=source,
        split=chosen,
        names=names or labelled.names,
        samples=sound,
        notes=tuple(notes),
    )
