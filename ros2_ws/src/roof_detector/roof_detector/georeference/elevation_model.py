# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Heights of ground or roofs from a raster file, and where rays meet them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_SIDE = 4096  # pixels of a window; more are read coarser
_OVERVIEW_SIDE = 512
_MARGIN = 64  # pixels around what one image needs, for the next one
_MOST_STEPS = 4000
_HALVINGS = 20
_FARTHEST_HEIGHTS = 12.0  # the flattest rays are cast as far as 5 degrees of dip over level ground


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Where rays (n) meet a surface: ENU (n, 3) and normals (n, 3), nan where they miss it.

    `reasons` says why, by the number of the ray.
    """

    enu: NDArray[np.float64]
    normals: NDArray[np.float64]
    reasons: dict[int, str]


@dataclass
class _Window:
    """Heights (rows, columns) of a part of the file, nan where there is none."""

    column: int
    row: int
    step: float
    heights: NDArray[np.float32]


class ElevationModel:
    """A raster of heights in metres (DEM, DSM), in any coordinate reference system.

    Heights are interpolated bilinearly between pixel centres, and are those of the file: above the
    sea or the ellipsoid, as its maker decided. Only windows are read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._dataset = _open(path)
        wkt = self._dataset.crs.to_wkt() if self._dataset.crs else ''
        try:
            self._crs = CRS.from_wkt(wkt)
            self._to_crs = Transformer.from_crs(
                'EPSG:4326', self._crs.to_2d(), always_xy=True, allow_ballpark=True
            )
        except CRSError as error:
            msg = (
                f'{path} has no coordinate reference system that is known, so nobody can tell '
                'where it lies; set it with "gdal_edit.py -a_srs EPSG:...".'
            )
            raise GeoError(msg) from error
        self._inverse = ~self._dataset.transform
        self._unit_m = _vertical_unit_m(self._crs, self._dataset.units[0])
        self._window: _Window | None = None
        overview = self._read(0, 0, self._dataset.width, self._dataset.height, _OVERVIEW_SIDE)
        known = overview.heights[np.isfinite(overview.heights)]
        if not known.size:
            msg = f'{path} holds no height at all: all its pixels are without data.'
            raise GeoError(msg)
        self._lowest_m, self._highest_m = float(known.min()), float(known.max())
        self.usual_m = float(np.median(known))
        self._cell_m = self._cell_size_m()

    @property
    def vertical_reference(self) -> str:
        """Return the name of what heights count from, '' where the file does not say."""
        if self._crs.is_compound:
            return str(self._crs.sub_crs_list[-1].name)
        return str(self._crs.name) if len(self._crs.axis_info) == 3 else ''

    @property
    def is_ellipsoidal(self) -> bool | None:
        """Return whether heights count from the ellipsoid, and else the sea; None if unknown."""
        if self._crs.is_compound:
            return False
        return True if len(self._crs.axis_info) == 3 else None

    def heights_m(
        self, latitudes_deg: NDArray[np.float64], longitudes_deg: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the heights (n,) at WGS 84 positions (n,); nan outside and without data."""
        return self._sampled(*self._pixels(latitudes_deg, longitudes_deg))

    def cast(
        self,
        plane: LocalTangentPlane,
        rays: NDArray[np.float64],
        *,
        raised_m: float = 0.0,
    ) -> SurfacePoints:
        """Return where rays (n, 3) in the ENU of a camera first meet the surface.

        `raised_m` is added to its heights: the height of roofs, and that of the geoid. Rays are
        followed as far as those of 5 degrees of dip over level ground.
        """
        points = np.full((len(rays), 3), np.nan)
        normals = np.full((len(rays), 3), np.nan)
        reasons: dict[int, str] = {}
        camera_m = plane.altitude_m - raised_m
        down = np.where(rays[:, 2] < 0, -rays[:, 2], np.nan)
        unit = rays / down[:, None]  # per metre of descent
        far_m = _FARTHEST_HEIGHTS * max(camera_m - self._lowest_m, 1.0)
        reach = far_m / np.maximum(np.linalg.norm(unit[:, :2], axis=1), 1e-9)
        for number in np.flatnonzero(np.isfinite(unit).all(axis=1)):
            found = self._follow(plane, unit[number], camera_m, float(reach[number]), raised_m)
            if isinstance(found, str):
                reasons[int(number)] = found
                continue
            points[number] = found
            normals[number] = self._normal(plane, found)
        return SurfacePoints(points, normals, reasons)

    def _follow(
        self,
        plane: LocalTangentPlane,
        unit: NDArray[np.float64],
        camera_m: float,
        reach_m: float,
        raised_m: float,
    ) -> NDArray[np.float64] | str:
        """Return the first point (3,) of a ray on the surface, or why there is none."""
        span = self._highest_m - self._lowest_m
        begin = max(0.0, camera_m - self._highest_m - 0.1 * span - 1.0)
        end = min(reach_m, camera_m - self._lowest_m + 0.1 * span + 1.0)
        slant = max(float(np.hypot(*unit[:2])), 1e-3)
        for start in (begin, 0.0):
            if end <= start:
                continue
            steps = int(np.clip((end - start) * slant / self._cell_m * 2, 8, _MOST_STEPS))
            depths = np.linspace(start, end, steps + 1)
            above = self._above(plane, unit, depths, raised_m)
            known = np.flatnonzero(np.isfinite(above))
            if not len(known):
                return f'{self.path} has no height where the ray through the detection passes.'
            if above[known[0]] <= 0 and start > 0.0:
                continue  # a peak that the overview did not show
            below = known[above[known] <= 0]
            if not len(below) or below[0] == 0:
                break
            first = int(below[0])
            if not np.isfinite(above[first - 1]):
                return (
                    f'The ray through the detection crosses a part of {self.path} without data '
                    'before it meets the ground.'
                )
            return self._halved(plane, unit, depths[first - 1], depths[first], raised_m)
        return f'The ray through the detection does not meet the surface of {self.path}.'

    def _halved(
        self,
        plane: LocalTangentPlane,
        unit: NDArray[np.float64],
        above: float,
        below: float,
        raised_m: float,
    ) -> NDArray[np.float64]:
        for _ in range(_HALVINGS):
            middle = (above + below) / 2
            if self._above(plane, unit, np.array([middle]), raised_m)[0] > 0:
                above = middle
            else:
                below = middle
        return unit * below

    def _above(
        self,
        plane: LocalTangentPlane,
        unit: NDArray[np.float64],
        depths: NDArray[np.float64],
        raised_m: float,
    ) -> NDArray[np.float64]:
        """Return how far points of a ray are above the surface, nan where it is unknown."""
        geodetic = plane.to_geodetic(depths[:, None] * unit)
        return geodetic[:, 2] - raised_m - self.heights_m(geodetic[:, 0], geodetic[:, 1])

    def _normal(self, plane: LocalTangentPlane, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the upward normal of the surface, over the size of a pixel; up where unknown."""
        side = max(self._cell_m, 0.05)
        steps = np.array([[side, 0, 0], [-side, 0, 0], [0, side, 0], [0, -side, 0]])
        around = plane.to_geodetic(point + steps)
        east, west, north, south = self.heights_m(around[:, 0], around[:, 1])
        slope = np.array([(west - east) / (2 * side), (south - north) / (2 * side), 1.0])
        return np.nan_to_num(slope, nan=0.0)

    def _pixels(
        self, latitudes_deg: NDArray[np.float64], longitudes_deg: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return columns and rows; the centre of the first pixel is 0, 0."""
        x, y = self._to_crs.transform(longitudes_deg.tolist(), latitudes_deg.tolist())
        columns, rows = _affine(self._inverse, np.asarray(x), np.asarray(y))
        return columns - 0.5, rows - 0.5

    def _sampled(
        self, columns: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        width, height = self._dataset.width, self._dataset.height
        inside = (columns > -0.5) & (columns < width - 0.5) & (rows > -0.5) & (rows < height - 0.5)
        found = np.full(columns.shape, np.nan)
        if not inside.any():
            return found
        x = np.clip(columns[inside], 0, width - 1)
        y = np.clip(rows[inside], 0, height - 1)
        window = self._covering(x.min(), y.min(), x.max(), y.max())
        x = np.clip((x - window.column + 0.5) / window.step - 0.5, 0, None)
        y = np.clip((y - window.row + 0.5) / window.step - 0.5, 0, None)
        heights = window.heights
        left = np.minimum(x.astype(int), max(heights.shape[1] - 2, 0))
        top = np.minimum(y.astype(int), max(heights.shape[0] - 2, 0))
        right = np.minimum(left + 1, heights.shape[1] - 1)
        bottom = np.minimum(top + 1, heights.shape[0] - 1)
        fx, fy = np.minimum(x - left, 1.0), np.minimum(y - top, 1.0)
        found[inside] = (1 - fy) * (
            (1 - fx) * heights[top, left] + fx * heights[top, right]
        ) + fy * ((1 - fx) * heights[bottom, left] + fx * heights[bottom, right])
        return found

    def _covering(self, left: float, top: float, right: float, bottom: float) -> _Window:
        """Return a window with these pixels, the last one if it has them."""
        column, row = max(int(left) - 1, 0), max(int(top) - 1, 0)
        end_column = min(int(right) + 2, self._dataset.width)
        end_row = min(int(bottom) + 2, self._dataset.height)
        known = self._window
        if known is not None:
            rows, columns = known.heights.shape
            if (
                column >= known.column
                and row >= known.row
                and end_column <= known.column + round(columns * known.step)
                and end_row <= known.row + round(rows * known.step)
            ):
                return known
        column, row = max(column - _MARGIN, 0), max(row - _MARGIN, 0)
        end_column = min(end_column + _MARGIN, self._dataset.width)
        end_row = min(end_row + _MARGIN, self._dataset.height)
        self._window = self._read(column, row, end_column, end_row, _MOST_SIDE)
        return self._window

    def _read(self, column: int, row: int, end_column: int, end_row: int, side: int) -> _Window:
        from rasterio.enums import Resampling  # noqa: PLC0415 - a flat ground needs none
        from rasterio.errors import RasterioError  # noqa: PLC0415

        width, height = end_column - column, end_row - row
        step = max(1.0, max(width, height) / side)
        shape = max(1, round(height / step)), max(1, round(width / step))
        try:
            values = self._dataset.read(
                1,
                window=((row, end_row), (column, end_column)),
                out_shape=shape,
                masked=True,
                out_dtype='float32',
                resampling=Resampling.average if step > 1 else Resampling.nearest,
            )
        except RasterioError as error:
            msg = f'{self.path} cannot be read there ({error}); it may be cut off.'
            raise GeoError(msg) from error
        heights = np.ma.filled(values, np.nan).astype(np.float32)
        heights = heights * self._dataset.scales[0] + self._dataset.offsets[0]
        return _Window(column, row, step, (heights * self._unit_m).astype(np.float32))

    def _cell_size_m(self) -> float:
        """Return the shorter side of a pixel in metres, in the middle of the file."""
        column, row = self._dataset.width / 2, self._dataset.height / 2
        columns, rows = np.array([column, column + 1, column]), np.array([row, row, row + 1])
        x, y = _affine(self._dataset.transform, columns, rows)
        longitudes, latitudes = self._to_crs.transform(x.tolist(), y.tolist(), direction='INVERSE')
        plane = LocalTangentPlane(float(latitudes[0]), float(longitudes[0]), 0.0)
        enu = plane.to_enu(np.column_stack([latitudes, longitudes, np.zeros(3)]))
        sides = np.linalg.norm(enu[1:, :2], axis=1)
        return max(float(sides.min()), 1e-3)


def _affine(
    matrix: Any, first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both coordinates after a transform of rasterio's (a, b, c, d, e, f)."""
    a, b, c, d, e, f = tuple(matrix)[:6]
    return a * first + b * second + c, d * first + e * second + f


@cache
def elevation_model(path: str) -> ElevationModel:
    """Return the model of a file, opened once; raise GeoError where it cannot be used."""
    return ElevationModel(path)


def _open(path: str) -> Any:
    try:
        import rasterio  # noqa: PLC0415 - a flat ground needs none
        from rasterio.errors import RasterioError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        msg = (
            f'{path} is a raster of heights, which needs the package rasterio: install '
            '"roof_detector[ground]", or give --ground-altitude.'
        )
        raise GeoError(msg) from error
    _refuse_descriptions(path)
    try:
        return rasterio.open(path)
    except RasterioError as error:
        msg = f'{path} cannot be read as a raster of heights ({error}).'
        raise GeoError(msg) from error


def _refuse_descriptions(path: str) -> None:
    """Raise GeoError for what makes GDAL open other files or addresses than this one.

    A VRT or the XML of a WMS names what it is made of, which may lie anywhere, also in a network.
    """
    try:
        with Path(path).open('rb') as file:
            begin = file.read(64).lstrip(b'\xef\xbb\xbf \t\r\n')
    except OSError as error:
        msg = f'{path} cannot be read as a raster of heights ({error.strerror}).'
        raise GeoError(msg) from error
    if begin.startswith((b'<', b'{')):
        msg = (
            f'{path} is a description of a raster that lies elsewhere (VRT, WMS or the like), and '
            'is not followed. Make one file of it: gdal_translate IN OUT.tif.'
        )
        raise GeoError(msg)


def _vertical_unit_m(crs: CRS, band_unit: str | None) -> float:
    """Return the metres in a unit of height: of the vertical axis, or else as the band says."""
    vertical = crs.sub_crs_list[-1] if crs.is_compound else crs
    axes = [axis for axis in vertical.axis_info if axis.direction in ('up', 'down')]
    if axes:
        return float(axes[-1].unit_conversion_factor)
    name = (band_unit or '').strip().lower()
    return {'ft': 0.3048, 'foot': 0.3048, 'feet': 0.3048, 'us-ft': 1200 / 3937, 'cm': 0.01}.get(
        name, 1.0
    )
