# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Statistics of measured times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def spread_ms(durations_s: Sequence[float]) -> dict[str, float]:
    """Return the 50th, 95th and 99th percentile in milliseconds; {} without times."""
    if not len(durations_s):
        return {}
    values_ms = np.percentile(durations_s, (50, 95, 99)) * 1e3
    return {f'p{p}': round(float(v), 3) for p, v in zip((50, 95, 99), values_ms, strict=True)}


def slope_per_hour(moments_s: Sequence[float], values: Sequence[float]) -> float:
    """Return the growth per hour, as the median of the slopes between distant pairs.

    Each value of the first half is paired with the one half the series later (Theil-Sen's
    estimate, with the pairs of Conover): single outliers do not tilt it.
    """
    half = len(values) // 2
    if not half:
        return 0.0
    moments, levels = np.asarray(moments_s, float), np.asarray(values, float)
    rises = levels[-half:] - levels[:half]
    return float(np.median(rises / (moments[-half:] - moments[:half]))) * 3600
