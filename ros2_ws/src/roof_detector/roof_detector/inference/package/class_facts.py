# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The measured facts of the classes of a packaged model: where it works, how sure it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST_M, _MOST_M = 0.0001, 1000.0
_MOST_ROWS = 100
_MOST_OBJECTS = 10**9


@dataclass(frozen=True)
class MeasuredRecall:
    """The share of `objects` that were found at a ground resolution of the network's input."""

    metres_per_pixel: float
    recall: float
    objects: int


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """The measured facts of one class.

    `metres_per_pixel` are the lowest and highest ground resolution of the network's input at which
    the class is found, None where nobody measured it. `recall` is by resolution, on photographs.
    `calibration` maps the network's confidences to the share that is right: rows of both, both
    strictly rising, the first from 0 to 1; empty where confidences are the network's own.
    """

    metres_per_pixel: tuple[float, float] | None = None
    recall: tuple[MeasuredRecall, ...] = ()
    calibration: tuple[tuple[float, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without what is not known."""
        return {key: value for key, value in asdict(self).items() if value}


def read_class_facts(value: Any, *, names: tuple[str, ...]) -> Mapping[str, ClassFacts]:
    """Read the facts of some of the classes; raise ValueError with what is wrong."""
    if not isinstance(value, dict) or not set(value) <= set(names):
        msg = 'has no object of known class names as classes'
        raise ValueError(msg)
    return {str(name): _read_one(one) for name, one in value.items()}


def _read_one(value: Any) -> ClassFacts:
    known = {'metres_per_pixel', 'recall', 'calibration'}
    if not isinstance(value, dict) or not set(value) <= known:
        msg = f'has an entry in classes with other keys than {", ".join(sorted(known))}'
        raise ValueError(msg)
    scale = None
    if 'metres_per_pixel' in value:
        low, high = _numbers(value['metres_per_pixel'], low=_LEAST_M, high=_MOST_M, count=2)
        if low > high:
            msg = f'has {low:g} to {high:g} m as the resolution of a class, expected a range'
            raise ValueError(msg)
        scale = low, high
    return ClassFacts(
        metres_per_pixel=scale,
        recall=tuple(_recall(row) for row in _rows(value.get('recall', []))),
        calibration=_calibration(value.get('calibration', [])),
    )


def _recall(row: Any) -> MeasuredRecall:
    if not isinstance(row, dict) or set(row) != {'metres_per_pixel', 'recall', 'objects'}:
        msg = 'has a recall without exactly metres_per_pixel, recall and objects'
        raise ValueError(msg)
    (scale,) = _numbers([row['metres_per_pixel']], low=_LEAST_M, high=_MOST_M, count=1)
    (recall,) = _numbers([row['recall']], low=0.0, high=1.0, count=1)
    objects = row['objects']
    if isinstance(objects, bool) or not isinstance(objects, int):
        objects = 0
    if not 0 < objects <= _MOST_OBJECTS:
        msg = 'has a recall of no whole number of objects'
        raise ValueError(msg)
    return MeasuredRecall(scale, recall, objects)


def _calibration(value: Any) -> tuple[tuple[float, float], ...]:
    rows = [_numbers(row, low=0.0, high=1.0, count=2) for row in _rows(value)]
    for before, after in pairwise(rows):
        if not (before[0] < after[0] and before[1] < after[1]):
            msg = 'has a calibration that does not rise from row to row'
            raise ValueError(msg)
    if rows and (len(rows) < 2 or rows[0][0] != 0 or rows[-1][0] != 1):
        msg = 'has a calibration that does not begin at the confidence 0 and end at 1'
        raise ValueError(msg)
    return tuple((raw, right) for raw, right in rows)


def _rows(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > _MOST_ROWS:
        msg = f'has no list of at most {_MOST_ROWS} rows where one is expected in classes'
        raise ValueError(msg)
    return list(value)


def _numbers(value: Any, *, low: float, high: float, count: int) -> tuple[float, ...]:
    numbers = value if isinstance(value, list | tuple) and len(value) == count else ()
    for one in numbers:
        if isinstance(one, bool) or not isinstance(one, int | float) or not low <= one <= high:
            numbers = ()
    if not numbers:
        msg = f'has {str(value)[:60]!r} in classes, expected {count} number(s) {low:g} to {high:g}'
        raise ValueError(msg)
    return tuple(float(one) for one in numbers)
