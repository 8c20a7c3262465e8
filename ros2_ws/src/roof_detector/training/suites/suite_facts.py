# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a model package states of its classes, from a suite's result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from roof_detector.inference.package.class_facts import ClassFacts, MeasuredRecall
from training.suites.calibration_fit import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.suites.suite_rows import SuiteResult

# Of fewer objects a share is a guess, and where fewer are found no range is stated.
LEAST_OBJECTS = 9
LEAST_RECALL = 0.25
_FINEST_M = 0.0001  # of what a package can state


def class_facts(
    result: SuiteResult, *, trained_m: tuple[float, float] | None = None
) -> Mapping[str, ClassFacts]:
    """Return the facts of the classes that photographs say something of.

    `recall` has the touched share at each resolution with LEAST_OBJECTS. Confidences are
    calibrated where the result has the network's own, see `SuiteOptions.calibrate`, and enough
    are right. `trained_m` are the metres per pixel that the model was trained at.
    """
    facts = {}
    for name in result.names:
        bins = [one for one in result.by_resolution(name) if one['objects'] >= LEAST_OBJECTS]
        fitted = fit(result.judged(name))
        if bins or fitted:
            facts[name] = ClassFacts(
                metres_per_pixel=_working_range(bins, trained_m),
                recall=tuple(_recall(one) for one in bins),
                calibration=fitted.curve if fitted else (),
            )
    return facts


def _working_range(
    bins: Sequence[Mapping[str, Any]], trained_m: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return the resolutions over which LEAST_RECALL of the objects are found.

    Where nothing beyond was measured the range reaches as far as training did: not measured is not
    the same as not found. None where the class is found at no resolution.
    """
    works = [one['metres_per_pixel'] for one in bins if one['touched'] >= LEAST_RECALL]
    if not works:
        return None
    low = min(low_m for low_m, _ in works)
    high = max(high_m or low_m for low_m, high_m in works)
    fails = [one['metres_per_pixel'] for one in bins if one['touched'] < LEAST_RECALL]
    if trained_m is not None:
        if not any(low_m >= high for low_m, _ in fails):
            high = max(high, trained_m[1])
        if not any(high_m is not None and high_m <= low for _, high_m in fails):
            low = min(low, trained_m[0])
    return max(low, _FINEST_M), high


def _recall(one: Mapping[str, Any]) -> MeasuredRecall:
    low_m, high_m = one['metres_per_pixel']
    middle_m = math.sqrt(low_m * high_m) if low_m and high_m else low_m or high_m
    return MeasuredRecall(_short(middle_m), _short(one['touched']), one['objects'])


def _short(value: float) -> float:
    return float(f'{value:.3g}')
