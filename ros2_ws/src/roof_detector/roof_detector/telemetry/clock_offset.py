# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Estimates the offset between two clocks by how the same turns look to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP_S = 0.05
_LEAST_TURN = 0.03  # radians a second, the spread of the turns without which nothing can be told
_LEAST_CORRELATION = 0.6
# Any other peak, further off than this, has to be clearly lower.
_PEAK_S, _LEAST_LEAD = 1.0, 0.1
_LEAST_OVERLAP_S = 5.0


@dataclass(frozen=True)
class ClockOffset:
    """What is added to the time of the one clock to get that of the other, in seconds.

    `sigma_s` is its standard deviation, `correlation` that of the turns, at most 1.
    """

    offset_s: float
    sigma_s: float
    correlation: float


def clock_offset(
    times_s: NDArray[np.float64],
    turns: NDArray[np.float64],
    other_times_s: NDArray[np.float64],
    other_turns: NDArray[np.float64],
) -> ClockOffset | None:
    """Return the offset at which turns (n,) look most like those (m,) of the other clock.

    Times are in seconds, turns in radians a second of the same sign. None where there are too few
    turns to tell, or two offsets fit about as well.
    """
    if min(len(times_s), len(other_times_s)) < 3:
        return None
    grid = np.arange(times_s[0], times_s[-1], _STEP_S)
    other_grid = np.arange(other_times_s[0], other_times_s[-1], _STEP_S)
    here = np.interp(grid, times_s, turns)
    there = np.interp(other_grid, other_times_s, other_turns)
    least = int(_LEAST_OVERLAP_S / _STEP_S)
    if min(len(here), len(there)) < least or min(here.std(), there.std()) < _LEAST_TURN:
        return None
    lags = np.arange(-(len(here) - least), len(there) - least + 1)
    scores = np.array([_correlation(here, there, int(lag), least) for lag in lags])
    best = int(np.argmax(scores))
    peaks = (scores >= np.roll(scores, 1)) & (scores >= np.roll(scores, -1))
    rivals = peaks & (np.abs(lags - lags[best]) * _STEP_S > _PEAK_S)
    second = float(scores[rivals].max()) if rivals.any() else -1.0
    if scores[best] < _LEAST_CORRELATION or scores[best] - second < _LEAST_LEAD:
        return None
    shift = _vertex(scores, best)
    offset_s = float(other_grid[0] - grid[0] + (lags[best] + shift) * _STEP_S)
    noise = np.sqrt(max(1.0 - float(scores[best]) ** 2, 1e-4))
    # A turn of rate spread s and its change c a second is placed within noise * s / c, n times.
    change = float(np.std(np.diff(here))) / _STEP_S
    sigma_s = noise * float(here.std()) / max(change, 1e-6) / np.sqrt(len(here) * _STEP_S)
    return ClockOffset(offset_s, max(float(sigma_s), _STEP_S), float(scores[best]))


def _correlation(
    here: NDArray[np.float64], there: NDArray[np.float64], lag: int, least: int
) -> float:
    begin, end = max(0, -lag), min(len(here), len(there) - lag)
    if end - begin < least:
        return -1.0
    a, b = here[begin:end], there[begin + lag : end + lag]
    spread = a.std() * b.std()
    if spread < 1e-9:
        return -1.0
    share = (end - begin) / min(len(here), len(there))
    # A short overlap may agree by chance: it counts less.
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) * float(np.sqrt(share))


def _vertex(scores: NDArray[np.float64], best: int) -> float:
    """Return where between the steps a parabola through the peak is highest."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, peak, after = scores[best - 1 : best + 2]
    curve = before - 2 * peak + after
    return float(np.clip((before - after) / (2 * curve), -0.5, 0.5)) if curve < 0 else 0.0
