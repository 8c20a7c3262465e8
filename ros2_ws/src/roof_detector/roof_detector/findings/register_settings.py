# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The settings of the register of findings."""

from __future__ import annotations

from dataclasses import dataclass

from roof_detector.findings.errors import FindingsError

# Quantiles of chi-square at 99 % for 2 and 3 degrees of freedom.
GATE_2D = 9.21
GATE_3D = 11.34


@dataclass(frozen=True, kw_only=True)
class RegisterSettings:
    """How sightings become findings; the defaults were chosen with `benchmarks/findings.py`."""

    class_agreement: float = 0.95
    """The probability that an object is detected as its own class."""
    size_sigma: float = 0.35
    """The standard deviation of the logarithm of a measured size."""
    new_objects_per_m2: float = 0.02
    """How many objects a roof has on a square metre, before it is seen."""
    attitude_period_s: float = 2.0
    """The time after which the error of the attitude is a new one."""
    walk_share: float = 0.015
    """The random walk of the position in a second, as a share of its standard deviation."""
    look_heights: float = 0.25
    """Two frames are one look where the camera moved by less, in heights above the roof."""
    prior: float = 0.6
    """The probability that what was sighted once is an object, at a confidence of one half.

    For classes for which the detection curves hold none.
    """
    confirmed_above: float = 0.9
    rejected_below: float = 0.05
    most_objects: int = 20_000
    """The weakest of more are dropped and counted: an input may be full of false detections."""

    def __post_init__(self) -> None:
        for name in ('class_agreement', 'prior', 'confirmed_above', 'rejected_below'):
            if not 0 < getattr(self, name) < 1:
                msg = f'{name} is {getattr(self, name)}; give a probability between 0 and 1.'
                raise FindingsError(msg)
        for name in ('size_sigma', 'new_objects_per_m2', 'attitude_period_s', 'look_heights'):
            if not getattr(self, name) > 0:
                msg = f'{name} is {getattr(self, name)}; give a number above 0.'
                raise FindingsError(msg)
        if self.most_objects < 1 or self.walk_share < 0:
            msg = (
                f'most_objects is {self.most_objects} and walk_share {self.walk_share}; give at '
                'least 1 and 0.'
            )
            raise FindingsError(msg)
