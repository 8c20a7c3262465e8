# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the pixels of a georeferenced raster, such as an orthophoto, lie on Earth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_WGS84 = Geod(ellps='WGS84')
_STEP_PX = 8.0  # over which the ground resolution is measured


@dataclass(frozen=True)
class RasterGeoreference:
    """The affine transform and the coordinate reference system (CRS) of a raster.

    `transform` (a, b, c, d, e, f) maps pixels to the CRS: x = a column + b row + c and
    y = d column + e row + f, where 0, 0 is the upper left corner of the first pixel. `error_m` is
    the radius in metres that holds the true position with 95 %, None where the raster does not
    state its accuracy.
    """

    transform: tuple[float, float, float, float, float, float]
    crs_wkt: str
    error_m: float | None = None

    def __post_init__(self) -> None:
        a, b, _, d, e, _ = self.transform
        if not np.isfinite(self.transform).all() or a * e - b * d == 0:
            msg = f'The transform {self.transform} of the raster maps no area; expected one.'
            raise GeoError(msg)

    @classmethod
    def read(cls, text: str) -> RasterGeoreference:
        """Read the text of `to_text`; raise GeoError for another one."""
        try:
            values = json.loads(text)
            a, b, c, d, e, f = map(float, values['transform'])
            error_m = values['error_m']
            return cls(
                (a, b, c, d, e, f),
                str(values['crs_wkt']),
                None if error_m is None else float(error_m),
            )
        except (ValueError, KeyError, TypeError) as error:
            msg = f'The position of the raster in the results is damaged ({error}).'
            raise GeoError(msg) from error

    def to_text(self) -> str:
        """Return the georeference as JSON."""
        return json.dumps(asdict(self))

    @cached_property
    def crs_name(self) -> str:
        """Return the code of the CRS, such as EPSG:32636, or its name where it has none."""
        authority = self._crs.to_authority(min_confidence=100)
        return ':'.join(authority) if authority else self._crs.name

    @property
    def is_geographic(self) -> bool:
        """Return whether the CRS counts in degrees."""
        return bool(self._crs.is_geographic)

    @cached_property
    def accuracy_m(self) -> float:
        """Return how far conversion to WGS 84 may be off in metres, 0 where that is unknown."""
        return max(self._to_wgs84.accuracy, 0.0)

    def in_crs(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map pixels (n, 2), which count from the corner of the first one, to x and y (n, 2)."""
        columns, rows = np.asarray(pixels, dtype=np.float64).reshape(-1, 2).T
        a, b, c, d, e, f = self.transform
        return np.column_stack([a * columns + b * rows + c, d * columns + e * rows + f])

    def on_wgs84(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map pixels (n, 2) to longitude and latitude (n, 2) in degrees; nan outside the CRS."""
        x, y = self.in_crs(pixels).T
        longitude, latitude = self._to_wgs84.transform(x, y)
        found = np.column_stack([(longitude + 180) % 360 - 180, latitude])
        found[~np.isfinite(found).all(axis=1)] = np.nan
        return found

    def distances_m(self, pixels_a: ArrayLike, pixels_b: ArrayLike) -> NDArray[np.float64]:
        """Return the distance on the ground between each two pixels (n, 2), in metres (n,)."""
        a, b = self.on_wgs84(pixels_a), self.on_wgs84(pixels_b)
        _, _, distances = _WGS84.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
        return np.asarray(distances, dtype=np.float64)

    def metres_per_pixel(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Return the metres on the ground of a pixel along a row and along a column.

        They are those of the ground, not of the CRS, whose units may be degrees or stretched.
        """
        x, y = pixel
        half = _STEP_PX / 2
        along = self.distances_m([(x - half, y), (x, y - half)], [(x + half, y), (x, y + half)])
        if not (np.isfinite(along).all() and along.min() > 0):
            msg = (
                f'The ground resolution at pixel {x:g}, {y:g} cannot be told from {self.crs_name}.'
            )
            raise GeoError(msg)
        return float(along[0] / _STEP_PX), float(along[1] / _STEP_PX)

    @cached_property
    def _crs(self) -> CRS:
        try:
            crs = CRS.from_wkt(self.crs_wkt)
            return crs.to_2d() if not crs.is_compound else crs.sub_crs_list[0]
        except ProjError as error:
            msg = f'The CRS of the raster is not known: {" ".join(str(error).split())}'
            raise GeoError(msg) from error

    @cached_property
    def _to_wgs84(self) -> Transformer:
        try:
            return Transformer.from_crs(self._crs, CRS.from_epsg(4326), always_xy=True)
        except ProjError as error:
            msg = (
                f'The CRS of the raster ({self._crs.name}) cannot be converted to WGS 84: '
                f'{" ".join(str(error).split())}'
            )
            raise GeoError(msg) from error
