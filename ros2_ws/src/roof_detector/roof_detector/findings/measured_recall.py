# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How many objects of each class the shipped models were measured to find, and on what."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parent / 'tables' / 'measured_recall.csv'
PHOTOGRAPHS = 'photographs'


@dataclass(frozen=True, kw_only=True)
class PublishedRecall:
    """A measurement at confidence 0.25 and IoU 0.5, as the model's card has it.

    `measured_on` is `simulated` or `photographs`; resolutions are metres per pixel of the image,
    None where they are not known.
    """

    class_name: str
    measured_on: str
    finest_m: float | None
    coarsest_m: float | None
    recall: float
    precision: float
    objects: int


def measured_recall(model_sha256: str) -> tuple[PublishedRecall, ...]:
    """Return the measurements of a model file, none for one that was not measured."""
    return tuple(row for sha256, row in _rows() if sha256 == model_sha256)


@cache
def _rows() -> tuple[tuple[str, PublishedRecall], ...]:
    with _TABLE.open(encoding='utf-8', newline='') as file:
        return tuple(
            (
                row['model_sha256'],
                PublishedRecall(
                    class_name=row['class'],
                    measured_on=row['measured_on'],
                    finest_m=float(row['finest_m']) if row['finest_m'] else None,
                    coarsest_m=float(row['coarsest_m']) if row['coarsest_m'] else None,
                    recall=float(row['recall']),
                    precision=float(row['precision']),
                    objects=int(row['objects']),
                ),
            )
            for row in csv.DictReader(file)
        )
