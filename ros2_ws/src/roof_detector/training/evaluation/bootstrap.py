# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The bootstrap: how far a metric would move on other images of the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.evaluation.ranking import Ranking, interpolate

if TYPE_CHECKING:
    from collections.abc import Sequence

Interval = tuple[float, float]
# One image redrawn is the same image: there is no spread to speak of.
LEAST_IMAGES = 2
_TAIL_PERCENT = 2.5  # on either side of a 95 % interval


def resample_map50(
    rankings: Sequence[Ranking], *, resamples: int, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return the mAP50 of `resamples` samples of the images, with replacement (Efron's bootstrap).

    The same seed and number of images give the same samples, so that two models can be compared
    sample by sample. NaN if a sample holds no target.
    """
    count = len(rankings[0].positives)
    random = np.random.default_rng(seed)
    values = np.full(resamples, np.nan)
    for i in range(resamples):
        weights = np.bincount(random.integers(count, size=count), minlength=count)
        averages = [_weighted_ap50(one, weights) for one in rankings]
        known = [value for value in averages if value is not None]
        if known:
            values[i] = np.mean(known)
    return values


def interval(values: npt.NDArray[np.float64]) -> Interval | None:
    """Return the middle 95 % of the values; None without values."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [_TAIL_PERCENT, 100 - _TAIL_PERCENT])
    return float(low), float(high)


def _weighted_ap50(ranking: Ranking, weights: npt.NDArray[np.intp]) -> float | None:
    positives = int(ranking.positives @ weights)
    if not positives:
        return None
    own, hits = weights[ranking.images], ranking.hits[0]
    drawn = own > 0
    own, hits = own[drawn], hits[drawn]
    return interpolate(np.cumsum(own * hits), np.cumsum(own * ~hits), positives)
