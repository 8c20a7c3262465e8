# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How probably an object is detected in one look, by class and resolution."""

from __future__ import annotations

import csv
import math
from bisect import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

ANY_CLASS = '*'
_SHIPPED = Path(__file__).parent / 'tables' / 'detection_curves.csv'
_COLUMNS = ('class', 'metres_per_pixel', 'detected', 'false_alarm')
_LEAST, _MOST = 1e-3, 0.995


@dataclass(frozen=True)
class DetectionCurves:
    """Rows of class, metres per pixel and two probabilities; `benchmarks/findings.py` measures.

    `detected` is that of an object in one independent look, `false_alarm` that of being reported
    again, in another look, where a false alarm was. Between the rows both are interpolated over
    the logarithm of the resolution; a class without rows has those of the class `*`.
    """

    rows: tuple[tuple[str, float, float, float], ...]

    def __post_init__(self) -> None:
        if not any(row[0] == ANY_CLASS for row in self.rows):
            msg = f'The detection curves have no row of the class {ANY_CLASS!r}, add one.'
            raise FindingsError(msg)
        for name, resolution, detected, false_alarm in self.rows:
            if not (resolution > 0 and 0 <= false_alarm < detected <= 1):
                msg = (
                    f'The detection curve of {name!r} has {detected} detected and {false_alarm} '
                    f'false alarms at {resolution} m a pixel; give a resolution above 0 and '
                    '0 <= false_alarm < detected <= 1.'
                )
                raise FindingsError(msg)

    @classmethod
    def shipped(cls) -> DetectionCurves:
        """Return the curves of the shipped model."""
        return cls.read(_SHIPPED)

    @classmethod
    def read(cls, path: Path) -> DetectionCurves:
        """Read a CSV file with a row for each class and resolution."""
        try:
            with path.open(encoding='utf-8', newline='') as file:
                table = list(csv.DictReader(file))
            rows = tuple(
                (row['class'], *(float(row[name]) for name in _COLUMNS[1:])) for row in table
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = (
                f'{path} is not a table of detection probabilities ({error}); give a CSV file '
                f'with the columns {", ".join(_COLUMNS)}.'
            )
            raise FindingsError(msg) from error
        return cls(rows)  # type: ignore[arg-type]

    def of(self, class_names: Sequence[str]) -> CurveTable:
        """Return the curves of classes in the order of a model's names."""
        return CurveTable(tuple(self._of_class(name) for name in class_names))

    def _of_class(self, name: str) -> npt.NDArray[np.float64]:
        own = [row[1:] for row in self.rows if row[0] == name]
        rows = own or [row[1:] for row in self.rows if row[0] == ANY_CLASS]
        return np.array(sorted(rows), np.float64)


class CurveTable:
    """The curves of a model's classes, each (k, 3): resolution, detected, false alarm."""

    def __init__(self, curves: Sequence[npt.NDArray[np.float64]]) -> None:
        self.curves = tuple(curves)
        self._logs = [np.log(curve[:, 0]).tolist() for curve in self.curves]
        self._values = [curve[:, 1:].tolist() for curve in self.curves]

    def at(self, class_id: int, metres_per_pixel: float) -> tuple[float, float]:
        """Return both probabilities of one look, away from 0 and 1."""
        logs, values = self._logs[class_id], self._values[class_id]
        at = math.log(max(metres_per_pixel, 1e-6))
        right = bisect(logs, at)
        if right in (0, len(logs)):
            detected, false_alarm = values[min(right, len(logs) - 1)]
        else:
            share = (at - logs[right - 1]) / (logs[right] - logs[right - 1])
            detected, false_alarm = (
                low + share * (high - low)
                for low, high in zip(values[right - 1], values[right], strict=True)
            )
        detected = min(max(detected, _LEAST), _MOST)
        return detected, min(max(false_alarm, _LEAST), 0.98 * detected)
