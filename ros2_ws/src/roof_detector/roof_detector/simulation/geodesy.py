# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A local tangent plane on the WGS-84 ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.error import SimulationError

SEMI_MAJOR_M = 6_378_137.0  # WGS-84, NIMA TR8350.2 table 3.1
ECCENTRICITY_SQUARED = 6.694379990141e-3  # the same, table 3.3


@dataclass(frozen=True)
class LocalTangentPlane:
    """Convert between metres east, north, up of an origin and degrees with metres above WGS-84.

    The radii of curvature at the origin are used everywhere and the Earth's bulge is left out:
    within 300 m of the origin and 70 degrees of the equator distances are right to 2 cm.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float

    def __post_init__(self) -> None:
        if not (abs(self.latitude_deg) < 89 and abs(self.longitude_deg) <= 180):
            raise SimulationError(
                f'The origin ({self.latitude_deg}, {self.longitude_deg}) is no usable place; give '
                'a latitude within 89 and a longitude within 180 degrees.'
            )

    @property
    def degrees_per_metre(self) -> tuple[float, float]:
        """Return how latitude grows per metre north and longitude per metre east."""
        sine = sin(radians(self.latitude_deg))
        root = 1 - ECCENTRICITY_SQUARED * sine * sine
        meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / root**1.5
        normal = SEMI_MAJOR_M / sqrt(root)
        north = np.degrees(1 / (meridian + self.altitude_m))
        east = np.degrees(1 / ((normal + self.altitude_m) * cos(radians(self.latitude_deg))))
        return float(north), float(east)

    def to_geodetic(self, enu: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) east, north, up in metres to (..., 3) latitude, longitude, altitude."""
        east, north, up = np.moveaxis(np.asarray(enu, dtype=np.float64), -1, 0)
        per_north, per_east = self.degrees_per_metre
        return np.stack(
            [
                self.latitude_deg + north * per_north,
                self.longitude_deg + east * per_east,
                self.altitude_m + up,
            ],
            axis=-1,
        )

    def to_enu(self, geodetic: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) latitude, longitude, altitude to (..., 3) east, north, up in metres."""
        latitude, longitude, altitude = np.moveaxis(np.asarray(geodetic, np.float64), -1, 0)
        per_north, per_east = self.degrees_per_metre
        return np.stack(
            [
                (longitude - self.longitude_deg) / per_east,
                (latitude - self.latitude_deg) / per_north,
                altitude - self.altitude_m,
            ],
            axis=-1,
        )
