# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground, or the roofs, on which the objects in the images lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from roof_detector.georeference.elevation_model import ElevationModel, elevation_model
from roof_detector.georeference.errors import GeoError


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The height of the objects, given in exactly one of four ways, and its sigma.

    `altitude_m` is above the WGS-84 ellipsoid, as in NavSatFix; `map_z_m` is z in the frame of the
    recorded pose, and so free of the vertical error of the fix; `height_m` is the height above the
    roofs at which the whole flight was flown; `surface` is a raster file of heights.
    `roof_height_m` is the height of the roofs above that. `geoid_height_m` is added to the heights
    of the raster: that of the sea level above the ellipsoid, where the raster counts from the sea
    and the camera's altitude from the ellipsoid.
    """

    altitude_m: float | None = None
    map_z_m: float | None = None
    height_m: float | None = None
    sigma_m: float = 1.0
    surface: str | None = None
    roof_height_m: float = 0.0
    geoid_height_m: float = 0.0

    def __post_init__(self) -> None:
        levels = (self.altitude_m, self.map_z_m, self.height_m)
        given = [v for v in levels if v is not None]
        is_finite = all(map(math.isfinite, [*given, self.roof_height_m, self.geoid_height_m]))
        if len(given) + (self.surface is not None) != 1 or not is_finite:
            msg = (
                f'The ground is given as altitude {self.altitude_m}, map z {self.map_z_m}, '
                f'height {self.height_m} and surface {self.surface}; give exactly one of them, '
                'in metres.'
            )
            raise GeoError(msg)
        if self.height_m is not None and self.height_m <= 0:
            msg = f'The height over the roofs is {self.height_m} m, expected above 0.'
            raise GeoError(msg)
        if not (math.isfinite(self.sigma_m) and self.sigma_m >= 0):
            msg = f"The ground's sigma is {self.sigma_m} m, expected 0 or more."
            raise GeoError(msg)

    @property
    def uses_altitude(self) -> bool:
        """Return whether the altitude of the camera counts, and so its vertical error."""
        return self.altitude_m is not None or self.surface is not None

    @property
    def map_up_m(self) -> float | None:
        """Return how high the roofs are in the map, whose z counts from take-off, if known."""
        return None if self.map_z_m is None else self.map_z_m + self.roof_height_m

    @property
    def model(self) -> ElevationModel | None:
        """Return the raster of heights, None for level ground."""
        return None if self.surface is None else elevation_model(self.surface)

    @property
    def raised_m(self) -> float:
        """Return what is added to the heights of the raster."""
        return self.roof_height_m + self.geoid_height_m

    def height_of(
        self, *, altitude_m: float, map_z_m: float, latitude_deg: float, longitude_deg: float
    ) -> float:
        """Return the height of a camera above the objects below it, in metres.

        Raises GeoError for a camera that is not above a raster's surface.
        """
        if self.height_m is not None:
            return self.height_m - self.roof_height_m
        if self.map_z_m is not None:
            return map_z_m - self.map_z_m - self.roof_height_m
        if self.altitude_m is not None:
            return altitude_m - self.altitude_m - self.roof_height_m
        model = self.model
        assert model is not None
        below = float(model.heights_m(np.array([latitude_deg]), np.array([longitude_deg]))[0])
        below = (model.usual_m if math.isnan(below) else below) + self.raised_m
        if altitude_m <= below:
            msg = (
                f'The camera at {altitude_m:.1f} m is not above the surface of {self.surface} '
                f'there, {below:.1f} m: the two do not count from the same level (the sea, the '
                'ellipsoid, the take-off). Give --geoid-height.'
            )
            raise GeoError(msg)
        return altitude_m - below
