# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A local tangent plane on the WGS-84 ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer
from pyproj.enums import TransformDirection

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class LocalTangentPlane:
    """Converts between metres east, north, up of an origin and WGS-84 degrees with altitude.

    The plane is flat and the ellipsoid is not: 1 km from the origin, up 0 is 8 cm above it.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float

    def __post_init__(self) -> None:
        if not (abs(self.latitude_deg) < 89 and abs(self.longitude_deg) <= 180):
            msg = (
                f'The origin ({self.latitude_deg}, {self.longitude_deg}) is not usable; give '
                'a latitude within 89 and a longitude within 180 degrees.'
            )
            raise GeoError(msg)
        if not np.isfinite(self.altitude_m):
            msg = f'The origin lies at {self.altitude_m} m, give a finite altitude.'
            raise GeoError(msg)

    def to_geodetic(self, enu: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) east, north, up in metres to (..., 3) latitude, longitude, altitude."""
        points = np.asarray(enu, dtype=np.float64)
        found = self._transformed(points, TransformDirection.INVERSE)
        return found[..., [1, 0, 2]]

    def to_enu(self, geodetic: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) latitude, longitude, altitude to (..., 3) east, north, up in metres."""
        points = np.asarray(geodetic, dtype=np.float64)[..., [1, 0, 2]]
        return self._transformed(points, TransformDirection.FORWARD)

    def _transformed(
        self, points: NDArray[np.float64], direction: TransformDirection
    ) -> NDArray[np.float64]:
        # As lists: for an array of one element, pyproj uses a conversion that NumPy deprecates.
        first, second, third = points.reshape(-1, 3).T.tolist()
        found = self._from_geodetic.transform(first, second, third, direction=direction)
        return np.stack(found, axis=-1).reshape(points.shape)

    @cached_property
    def _from_geodetic(self) -> Transformer:
        return Transformer.from_pipeline(
            '+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad '
            '+step +proj=cart +ellps=WGS84 +step +proj=topocentric +ellps=WGS84 '
            f'+lat_0={float(self.latitude_deg)!r} +lon_0={float(self.longitude_deg)!r} '
            f'+h_0={float(self.altitude_m)!r}'
        )
