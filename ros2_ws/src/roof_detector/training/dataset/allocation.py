# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The allocation of groups of images to splits or folds, even in images and in every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.dataset.error import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRIES = 24


def allocate(
    counts: npt.NDArray[np.float64], shares: Sequence[float], *, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Return the split (g,) that each group goes to.

    `counts` (g, c) holds for each group how many images and how many objects of each class it has;
    `shares` the share of everything that each split should get. Large groups go first, each to
    where it helps most; of several random orders the best is kept. Raises DatasetError if there
    are fewer groups than splits.
    """
    if len(counts) < len(shares):
        msg = (
            f'{len(counts)} group(s) of images that belong together cannot fill '
            f'{len(shares)} parts.'
        )
        raise DatasetError(msg)
    rng = np.random.default_rng(seed)
    # Each column has the same weight, however common its class.
    parts = counts / np.maximum(counts.sum(0), 1)
    target = np.asarray(shares, dtype=np.float64)[:, None] * (counts.sum(0) > 0)
    best, least = None, np.inf
    for _ in range(_TRIES):
        jitter = rng.uniform(0.7, 1.3, len(parts))
        order = np.argsort(-parts.sum(1) * jitter, kind='stable')
        chosen, cost = _greedy(parts, target, order)
        if cost < least and len(np.unique(chosen)) == len(shares):
            best, least = chosen, cost
    return _spread(len(counts), len(shares)) if best is None else best


def _greedy(
    parts: npt.NDArray[np.float64], target: npt.NDArray[np.float64], order: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], float]:
    reached = np.zeros_like(target)
    chosen = np.zeros(len(parts), dtype=np.int64)
    for group in order:
        # The change of the sum of squared gaps if the group goes to each split.
        gap = target - reached
        change = (parts[group] ** 2 - 2 * parts[group] * gap) / np.maximum(target, 1e-9)
        part = int(np.argmin(change.sum(1)))
        chosen[group] = part
        reached[part] += parts[group]
    return chosen, float((((target - reached) ** 2) / np.maximum(target, 1e-9)).sum())


def _spread(groups: int, parts: int) -> npt.NDArray[np.int64]:
    """Return any allocation that fills all splits, for sets too small for an even one."""
    return np.minimum(np.arange(groups), parts - 1)[::-1].copy()
