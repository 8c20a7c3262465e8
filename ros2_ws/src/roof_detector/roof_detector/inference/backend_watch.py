# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether the backend in use is still the best, as the machine is busy now."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from roof_detector.inference.pass_cost import MARGIN, PassCost, Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.options import BackendName

# Work of others has to last to count, and the watch changes its mind with hysteresis.
_SMOOTHING_S = 10.0
_BUSY_CORES, _QUIET_CORES = 0.5, 0.3
# Passes this much longer than those that `models prepare` timed are of another machine or input.
_UNLIKE = 2.0


class BackendWatch:
    """Compares the backend in use with the others by what `models prepare` measured of each.

    Pure: `note` hears of passes and of how many cores others occupy. `costs` are those of each
    backend that was timed, by name.
    """

    def __init__(self, used: BackendName, costs: Mapping[BackendName, PassCost]) -> None:
        self._used = used
        self._costs = costs
        self._others = 0.0
        self._pass_s = 0.0
        self._noted_s: float | None = None
        self.surroundings: Surroundings = 'alone'

    def note(self, forward_s: float, *, others: float | None, now_s: float) -> None:
        """Take the seconds of a pass, and the cores that other processes occupy."""
        if self._noted_s is None:
            self._others, self._pass_s = others or 0.0, forward_s
        else:
            weight = 1 - exp(-max(now_s - self._noted_s, 0.0) / _SMOOTHING_S)
            self._others += weight * ((others or 0.0) - self._others)
            self._pass_s += weight * (forward_s - self._pass_s)
        self._noted_s = now_s
        limit = _BUSY_CORES if self.surroundings == 'alone' else _QUIET_CORES
        self.surroundings = 'beside' if self._others > limit else 'alone'

    @property
    def better(self) -> BackendName | None:
        """Return the backend that is better by more than the margin now; None if none is."""
        own = self._costs.get(self._used)
        if own is None:
            return None
        best = min(self._costs, key=lambda name: self._costs[name].weighed_ms(self.surroundings))
        is_clear = MARGIN * self._weighed(best) < self._weighed(self._used)
        return best if is_clear else None

    @property
    def advice(self) -> str:
        """Return a sentence for the operator: which backend is best now, and how that is known."""
        own = self._costs.get(self._used)
        if own is None:
            return 'No other backend was timed here: roof_detector models prepare does that.'
        where = 'alone' if self.surroundings == 'alone' else 'beside other processes'
        if better := self.better:
            share = self._weighed(better) / self._weighed(self._used)
            return (
                f'{better} would be better now: {share:.2f} of the cost of {self._used} {where}, '
                'as roof_detector models prepare measured.'
            )
        ratio = self._pass_s * 1e3 / max(own.latency_ms(self.surroundings), 1e-6)
        if ratio > _UNLIKE:
            return (
                f'Passes take {ratio:.1f} times what roof_detector models prepare measured '
                f'{where}: run it again as the machine is used now.'
            )
        return f'{self._used} is the best {where}.'

    def _weighed(self, name: BackendName) -> float:
        return self._costs[name].weighed_ms(self.surroundings)
