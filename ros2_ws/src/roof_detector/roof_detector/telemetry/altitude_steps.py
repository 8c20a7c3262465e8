# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds where altitudes and heights over take-off are of different flights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Altitude over height above take-off differs by so much where flights or references are mixed.
STEP_M = 5.0
_FASTEST_M_S = 30.0  # that a drone climbs or sinks


def altitude_step_note(
    times_s: NDArray[np.float64], heights_m: NDArray[np.float64], altitudes_m: NDArray[np.float64]
) -> str:
    """Return in words where the place of take-off changes within a recording, else ''.

    All are (n,), NaN where unknown. A height that restarts leaves the altitude as it was; without
    an altitude it jumps faster than any drone climbs.
    """
    offsets = altitudes_m - heights_m
    known = np.isfinite(offsets)
    if known.sum() > 1:
        steps = np.abs(np.diff(offsets[known]))
        at = int(steps.argmax())
        if steps[at] >= STEP_M:
            return (
                f'the altitude of the take-off point jumps by {steps[at]:.0f} m at '
                f'{times_s[known][at + 1]:.0f} s: it is of several flights, or its heights start '
                'again. Heights above take-off are used unless --ground-altitude is given.'
            )
        return ''
    known = np.isfinite(heights_m)
    if known.sum() < 2:
        return ''
    steps, waits_s = np.abs(np.diff(heights_m[known])), np.diff(times_s[known])
    is_jump = (steps >= STEP_M) & (steps > _FASTEST_M_S * waits_s)
    if not is_jump.any():
        return ''
    at = int(np.where(is_jump, steps, 0.0).argmax())
    return (
        f'the height above take-off jumps by {steps[at]:.0f} m at '
        f'{times_s[known][at + 1]:.0f} s, faster than a drone climbs: it is of several flights, '
        'or it starts again. Give --flight-height where it was level.'
    )
