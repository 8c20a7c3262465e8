# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The assumed errors of a drone's sensors, for messages without a covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """Standard deviations (1 sigma); those of fix and attitude apply where none is recorded.

    The values for the fix are those of plain GPS: 8 m horizontally, both axes together, and 13 m
    vertically at 95 % (GPS SPS Performance Standard, 5th edition, 2020, section 3.8). An RTK
    receiver has 0.02 m.
    """

    horizontal_m: float = 3.3
    vertical_m: float = 6.6
    tilt_deg: float = 1.0
    heading_deg: float = 3.0
    pixel_px: float = 2.0
    """The distance of a box's centre from the centre of the object."""
    time_s: float = 0.02
    """Between an image and the telemetry with its stamp: exposure, transport, filters."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                msg = f'{field.name} is {value}, expected a standard deviation from 0.'
                raise GeoError(msg)

    @property
    def fix_covariance(self) -> NDArray[np.float64]:
        """Return the covariance (3, 3) of east, north and up in square metres."""
        return np.diag([self.horizontal_m**2, self.horizontal_m**2, self.vertical_m**2])

    @property
    def attitude_covariance(self) -> NDArray[np.float64]:
        """Return the covariance (3, 3) of rotations about east, north and up in square radians."""
        tilt, heading = math.radians(self.tilt_deg), math.radians(self.heading_deg)
        return np.diag([tilt**2, tilt**2, heading**2])
