# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Interleaved timing of several methods on the same frames."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Frame = npt.NDArray[np.uint8]
_WARM_UP_FRAMES = 5


def time_interleaved(
    ways: Mapping[str, Callable[[Frame], object]], frames: Sequence[Frame], *, count: int
) -> dict[str, list[float]]:
    """Return the seconds of each way for `count` frames, each frame going through all of them.

    Whatever else the machine does meets all ways alike, so that ratios hold better than times.
    Which way comes first changes with every frame.
    """
    times_s: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for i in range(_WARM_UP_FRAMES + count):
        order.append(order.pop(0))
        for name in order:
            started_s = perf_counter()
            ways[name](frames[i % len(frames)])
            times_s[name].append(perf_counter() - started_s)
    return {name: taken_s[_WARM_UP_FRAMES:] for name, taken_s in times_s.items()}


def throughput_ratio(ours_s: Sequence[float], theirs_s: Sequence[float]) -> float:
    """Return the throughput of `ours` relative to `theirs`, as the median over the frames."""
    return round(float(np.median(np.divide(theirs_s, ours_s))), 3)
