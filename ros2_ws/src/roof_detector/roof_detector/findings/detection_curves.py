# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How probably an object is detected in one look, by class and resolution."""

from __future__ import annotations

import csv
import math
from bisect import bisect
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

ANY_CLASS = '*'
_SHIPPED = Path(__file__).parent / 'tables' / 'detection_curves.csv'
_COLUMNS = ('class', 'metres_per_pixel', 'detected', 'false_alarm')
_PRIOR = 'prior'
_LEAST, _MOST = 1e-3, 0.995
# The rate at which one object is detected again differs from object to object: a beta distribution
# of this sum of parameters, as `benchmarks/findings_curves.py` measures. At 1 most are seen in all
# frames or in hardly any.
_SPREAD = 1.3


@dataclass(frozen=True)
class DetectionCurves:
    """Rows of class, metres per pixel and two probabilities, by `benchmarks/findings_curves.py`.

    A pixel is one of the network's input. `detected` is the probability that an object is detected
    in a look, `false_alarm` that of being reported again, in another look, where a false alarm
    was. Between the rows both are interpolated over the logarithm of the resolution; a class
    without rows has those of the class `*`. `priors` holds, by class, the probability that what
    was detected once with a confidence of one half is an object.
    """

    rows: tuple[tuple[str, float, float, float], ...]
    priors: Mapping[str, float] = field(default_factory=dict)

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
        for name, prior in self.priors.items():
            if not 0 < prior < 1:
                msg = f'The prior of {name!r} is {prior}; give a probability between 0 and 1.'
                raise FindingsError(msg)

    @classmethod
    def shipped(cls) -> DetectionCurves:
        """Return the curves of the shipped model."""
        return cls.read(_SHIPPED)

    @classmethod
    def read(cls, path: Path) -> DetectionCurves:
        """Read a CSV file with a row for each class and resolution, and maybe a column `prior`."""
        try:
            with path.open(encoding='utf-8', newline='') as file:
                table = list(csv.DictReader(file))
            rows = tuple(
                (row['class'], *(float(row[name]) for name in _COLUMNS[1:])) for row in table
            )
            priors = {row['class']: float(row[_PRIOR]) for row in table if row.get(_PRIOR)}
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = (
                f'{path} is not a table of detection probabilities ({error}); give a CSV file '
                f'with the columns {", ".join(_COLUMNS)}.'
            )
            raise FindingsError(msg) from error
        return cls(rows, priors)  # type: ignore[arg-type]

    def of(self, class_names: Sequence[str]) -> CurveTable:
        """Return the curves of classes in the order of a model's names."""
        return CurveTable(
            tuple(self._of_class(name) for name in class_names),
            tuple(self.priors.get(name, self.priors.get(ANY_CLASS)) for name in class_names),
        )

    def _of_class(self, name: str) -> npt.NDArray[np.float64]:
        own = [row[1:] for row in self.rows if row[0] == name]
        rows = own or [row[1:] for row in self.rows if row[0] == ANY_CLASS]
        return np.array(sorted(rows), np.float64)


class CurveTable:
    """The curves of a model's classes, each (k, 3): resolution, detected, false alarm."""

    def __init__(
        self,
        curves: Sequence[npt.NDArray[np.float64]],
        priors: Sequence[float | None] | None = None,
    ) -> None:
        self.curves = tuple(curves)
        self._priors = tuple(priors or (None,) * len(self.curves))
        self._logs = [np.log(curve[:, 0]).tolist() for curve in self.curves]
        self._values = [curve[:, 1:].tolist() for curve in self.curves]

    def prior(self, class_id: int) -> float | None:
        """Return the probability of what was detected once at one half, None where not known."""
        return self._priors[class_id]

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

    def detected_at(
        self, class_ids: npt.NDArray[np.int32], metres_per_pixel: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Return the probability (n,) that objects of classes (n,) are detected in one look."""
        at = np.log(np.maximum(metres_per_pixel, 1e-6))
        found = np.empty(len(at))
        for class_id in set(class_ids.tolist()):
            own = class_ids == class_id
            rates = self.curves[class_id][:, 1]
            found[own] = np.interp(at[own], self._logs[class_id], rates)
        return np.minimum(np.maximum(found, _LEAST), _MOST)


def seen_again(hits: float, misses: float, rate: float) -> float:
    """Return the log likelihood of looks that saw an object and did not, of a mean rate.

    Each object has its own rate, so the likelihood is that of a beta-binomial distribution: a
    second miss is likelier than the first.
    """
    a, b = rate * _SPREAD, (1 - rate) * _SPREAD
    return (
        math.lgamma(a + hits) + math.lgamma(b + misses) - math.lgamma(_SPREAD + hits + misses)
        - math.lgamma(a) - math.lgamma(b) + math.lgamma(_SPREAD)
    )  # fmt: skip


def missed_by_all(
    rate: npt.NDArray[np.float64], looks: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the probability that so many looks all miss an object, of a mean rate each."""
    found = np.ones(np.broadcast_shapes(rate.shape, looks.shape))
    for look in range(int(looks.max(initial=0))):
        again = ((1 - rate) * _SPREAD + look) / (_SPREAD + look)
        found = np.where(looks > look, found * again, found)
    return found
