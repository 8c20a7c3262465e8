# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a pass of a network costs: latency and CPU time, alone and beside other work."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Literal

Surroundings = Literal['alone', 'beside']
# Latency is what a flight waits for; CPU time is what it takes from the camera, DDS and recorder.
_LATENCY_WEIGHT = 2 / 3
# A lead below this is noise, and no reason to leave a simpler choice.
MARGIN = 1.1


@dataclass(frozen=True)
class PassCost:
    """The milliseconds of a pass by the clock and of the CPU, with `threads` (0: the runtime's).

    All three with nothing else to do (`alone`) and beside one busy process (`beside`).
    """

    alone_ms: float
    alone_cpu_ms: float
    alone_threads: int
    beside_ms: float
    beside_cpu_ms: float
    beside_threads: int

    def weighed_ms(self, surroundings: Surroundings | None = None) -> float:
        """Return latency and CPU time as one number: their geometric mean, latency twice.

        Without `surroundings` the mean of both.
        """
        alone = _weighed(self.alone_ms, self.alone_cpu_ms)
        beside = _weighed(self.beside_ms, self.beside_cpu_ms)
        if surroundings is None:
            return exp((log(alone) + log(beside)) / 2)
        return alone if surroundings == 'alone' else beside

    def latency_ms(self, surroundings: Surroundings) -> float:
        """Return the milliseconds by the clock."""
        return self.alone_ms if surroundings == 'alone' else self.beside_ms


def _weighed(wall_ms: float, cpu_ms: float) -> float:
    wall_ms, cpu_ms = max(wall_ms, 1e-6), max(cpu_ms, 1e-6)
    return exp(_LATENCY_WEIGHT * log(wall_ms) + (1 - _LATENCY_WEIGHT) * log(cpu_ms))
