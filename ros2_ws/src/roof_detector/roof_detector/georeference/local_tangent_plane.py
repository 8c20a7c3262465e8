# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A local tangent plane on the WGS-84 ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
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
        origin, axes = self._frame
        points = np.asarray(enu, dtype=np.float64) @ axes + origin
        found = _transformed(points, TransformDirection.INVERSE)
        return found[..., [1, 0, 2]]

    def to_enu(self, geodetic: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) latitude, longitude, altitude to (..., 3) east, north, up in metres."""
        points = np.asarray(geodetic, dtype=np.float64)[..., [1, 0, 2]]
        origin, axes = self._frame
        return (_transformed(points, TransformDirection.FORWARD) - origin) @ axes.T

    @cached_property
    def _frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the origin (3,) and the rows east, north, up (3, 3), geocentric."""
        geodetic = np.array([self.longitude_deg, self.latitude_deg, self.altitude_m])
        longitude, latitude = np.deg2rad(geodetic[:2])
        sin, cos = np.sin, np.cos
        axes = [
            [-sin(longitude), cos(longitude), 0.0],
            [-sin(latitude) * cos(longitude), -sin(latitude) * sin(longitude), cos(latitude)],
            [cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)],
        ]
        return _transformed(geodetic, TransformDirection.FORWARD), np.array(axes)


def _transformed(
    points: NDArray[np.float64], direction: TransformDirection
) -> NDArray[np.float64]:
    # As lists: for an array of one element, pyproj uses a conversion that NumPy deprecates.
    first, second, third = points.reshape(-1, 3).T.tolist()
    found = _geocentric().transform(first, second, third, direction=direction)
    return np.stack(found, axis=-1).reshape(points.shape)


@lru_cache(maxsize=1)
def _geocentric() -> Transformer:
    """Return the one from longitude, latitude, altitude to metres from the Earth's centre.

    It takes longer to make than to transform a frame's points, so planes share it.
    """
    return Transformer.from_pipeline(
        '+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad '
        '+step +proj=cart +ellps=WGS84'
    )
