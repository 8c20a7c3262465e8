# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The comparison of several models, or of one at several image sizes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.evaluation.bootstrap import Interval, interval
from training.evaluation.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.evaluation.evaluation import Evaluation


def label_all(evaluations: Sequence[Evaluation]) -> dict[str, Evaluation]:
    """Label each by its model and image size, with as many folders as distinguish the models.

    The precision is included if it differs between them.
    """
    paths = list(dict.fromkeys(one.model.path.resolve() for one in evaluations))
    depth = 1
    while len({_tail(path, depth) for path in paths}) < len(paths):
        depth += 1
    several = len({one.model.precision for one in evaluations}) > 1
    return {
        f'{_tail(one.model.path.resolve(), depth)} {_size(one)}'
        f'{f" {one.model.precision}" if several else ""}': one
        for one in evaluations
    }


def compare(labelled: Mapping[str, Evaluation]) -> Table:
    """Return one row for each; the difference is to the best mAP50, on the same images."""
    best = max(labelled.values(), key=lambda one: one.map50 or 0.0)
    with_masks = any(one.masks for one in labelled.values())
    columns = [
        Column('model and size', best=''),
        Column('mAP50', best='max'),
        Column('95 % interval'),
        Column('behind the best by'),
        Column('mAP75', best='max'),
        Column('mAP50-95', best='max'),
        *([Column('masks mAP50', best='max'), Column('masks mAP50-95', best='max')]
          if with_masks else []),
        Column('precision', 2, best='max'),
        Column('recall', 2, best='max'),
        Column('F1', 2, best='max'),
        Column('ms', 1, best='min'),
        Column('images/s', 1, best='max'),
    ]  # fmt: skip
    rows = []
    for label, one in labelled.items():
        point = one.boxes.together.best
        masks = (one.masks.map50, one.masks.map50_95) if one.masks else (None, None)
        rows.append(
            (
                label,
                one.map50,
                shown_interval(one.map50_interval),
                '' if one is best else shown_interval(difference(best, one)),
                one.boxes.map75,
                one.map50_95,
                *(masks if with_masks else ()),
                point.precision if point else None,
                point.recall if point else None,
                point.f1 if point else None,
                one.speed.total_ms,
                one.speed.images_per_second,
            )
        )
    return Table(tuple(columns), tuple(rows))


def difference(better: Evaluation, worse: Evaluation) -> Interval | None:
    """Return the 95 % interval of the differences in mAP50, sample by sample.

    An interval that contains 0 means that these images do not show which of the two is better.
    None where they are too few to say anything.
    """
    if better.map50_interval is None:
        return None
    return interval(better.map50_samples - worse.map50_samples)


def shown_interval(bounds: Interval | None) -> str:
    """Return an interval as text."""
    return f'{bounds[0]:.3f} to {bounds[1]:.3f}' if bounds else '-'


def _tail(path: Path, depth: int) -> str:
    return Path(*path.parts[-depth:]).as_posix()


def _size(evaluation: Evaluation) -> str:
    width, height = evaluation.model.image_size
    return f'{width}' if width == height else f'{width}x{height}'
