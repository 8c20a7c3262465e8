# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads orthophotos and other large images in windows, in bounded memory (GDAL by rasterio)."""

from __future__ import annotations

import os
import threading
import warnings
from functools import cached_property
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.raster_georeference import RasterGeoreference
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.raster_kinds import driver_of
from roof_detector.inputs.tiff_header import read_pages
from roof_detector.vision.errors import VisionError

# Megabytes of decoded blocks that GDAL keeps; it reads this once, before its first block. By
# default it takes a twentieth of the machine's memory. A row of tiles of a raster that is stored
# in rows must fit: 640 rows of 100,000 pixels take 192.
os.environ.setdefault('GDAL_CACHEMAX', '256')

import rasterio
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

warnings.filterwarnings('ignore', category=NotGeoreferencedWarning)

_MOST_PRJ_CHARACTERS = 100_000
_PADDING = 114  # as the letterbox pads: the network knows it as nothing
_RANGE_SIDE_PX = 1024  # of the reduced image that the range of values is read from
_RANGE_PERCENT = (0.1, 99.9)
# Names of metadata items that state the horizontal accuracy in metres, and the factor from each
# to a radius of 95 % (FGDC-STD-007.3-1998, 3.2: 1.7308 RMSEr; CE90 is 2.1460 sigma, CE95 2.4477).
_ACCURACY_ITEMS = {
    'HORIZONTAL_ACCURACY': 1.0,
    'HORIZONTAL_ACCURACY_95': 1.0,
    'CE95': 1.0,
    'CE90': 1.1406,
    'RMSE_R': 1.7308,
    'RMSER': 1.7308,
}


class RasterFile:
    """An open raster, whose pixels are read as BGR in 8 bits, window by window.

    Red, green and blue are the bands that are called so, else the first three; one band is grey, a
    palette is applied. Values of more than 8 bits are mapped from the range that the raster really
    uses. `georeference` is None where positions are unknown, and `why_unplaced` says why. One
    thread may read at a time; the others wait.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._dataset: Any = _opened(path)
        except (RasterioError, OSError, ValueError) as error:
            msg = f'The raster {path} cannot be read: {_one_line(error)}'
            raise InputError(msg) from error
        self.size_wh: tuple[int, int] = (self._dataset.width, self._dataset.height)
        self._bands = self._choose_bands()
        self._has_mask = any(
            MaskFlags.all_valid not in flags for flags in self._dataset.mask_flag_enums
        )
        self.why_unplaced = ''
        self.georeference = self._read_georeference()

    @staticmethod
    def is_placed_or_larger(path: Path, *, than_px: int) -> bool:
        """Return whether a file has a place on a map, or more than so many pixels.

        False for a file that cannot be opened: what is wrong is said where it is read as an image.
        """
        try:
            with _opened(path) as dataset:
                is_placed = dataset.crs is not None or not dataset.transform.is_identity
                is_placed = is_placed or bool(dataset.gcps[0])
                return is_placed or dataset.width * dataset.height > than_px
        except (RasterioError, OSError, ValueError):
            return False

    @property
    def files(self) -> tuple[str, ...]:
        """Return the paths of the raster and of the files beside it that it is made of."""
        return tuple(self._dataset.files)

    @cached_property
    def value_range(self) -> tuple[float, float] | None:
        """Return the values that are shown black and white, None for 8 bits, shown as they are."""
        if self._dataset.dtypes[self._bands[0] - 1] == 'uint8':
            return None
        width, height = self.size_wh
        scale = max(width, height) / _RANGE_SIDE_PX
        shape = (
            (height, width)
            if scale <= 1
            else (max(round(height / scale), 1), max(round(width / scale), 1))
        )
        whole = Window(0, 0, width, height)
        values, valid = self._read_values(whole, shape, resampling=Resampling.nearest)
        used = values[:, valid]
        used = used[np.isfinite(used)]
        if not used.size:
            return (0.0, 1.0)
        low, high = (float(one) for one in np.percentile(used, _RANGE_PERCENT))
        return (low, high) if high > low else (float(used.min()), float(used.max()))

    def read(
        self, window_xywh: tuple[int, int, int, int], out_wh: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Return a window (height, width, 3), resampled to `out_wh`; grey where there is no data.

        Raises InputError where it cannot be read.
        """
        return self._read_window(window_xywh, out_wh)[0]

    def read_tile(
        self, window_xywh: tuple[int, int, int, int], out_wh: tuple[int, int]
    ) -> NDArray[np.uint8] | None:
        """Return a window as `read` does; None if it holds no data, or one value alone."""
        image_bgr, valid = self._read_window(window_xywh, out_wh)
        if not valid.any():
            return None
        seen = image_bgr[valid]
        return None if (seen == seen[0]).all() else image_bgr

    def mask(self, window_xywh: tuple[int, int, int, int]) -> NDArray[np.uint8] | None:
        """Return 255 where a window has data, 0 elsewhere; None for a raster that is all data."""
        if not self._has_mask:
            return None
        with self._lock:
            return np.asarray(self._dataset.dataset_mask(window=Window(*window_xywh)))

    def crop(self, part: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Return some rows and columns in full resolution."""
        rows, columns = part
        return self.read(
            (
                columns.start,
                rows.start,
                columns.stop - columns.start,
                rows.stop - rows.start,
            )
        )

    @cached_property
    def crs(self) -> Any:
        """Return the CRS as rasterio has it, to be written into a copy; None if it is unknown.

        Beside a world file a .prj may tell it, in the WKT of ESRI, which GDAL does not read for
        images.
        """
        beside = self.path.with_suffix('.prj')
        if self._dataset.crs is not None or not beside.is_file():
            return self._dataset.crs
        try:
            text = beside.read_text(encoding='utf-8', errors='replace')[:_MOST_PRJ_CHARACTERS]
            return CRS.from_wkt(text, morph_from_esri_dialect=True)
        except (CRSError, OSError):
            return None

    @property
    def transform(self) -> Any:
        """Return the transform as rasterio has it, to be written into a copy."""
        return self._dataset.transform

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._dataset.close()

    def _choose_bands(self) -> tuple[int, ...]:
        """Return the numbers of the bands that are red, green and blue, or of the one grey."""
        kinds = self._dataset.colorinterp
        colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        for dtype in self._dataset.dtypes:
            if 'complex' in dtype:
                msg = f'The raster {self.path} holds complex numbers; expected an image.'
                raise InputError(msg)
        if ColorInterp.cyan in kinds:
            msg = f'The raster {self.path} is in CMYK; convert it to RGB.'
            raise InputError(msg)
        if all(colour in kinds for colour in colours):
            return tuple(kinds.index(colour) + 1 for colour in colours)
        bands = [n for n, kind in enumerate(kinds, start=1) if kind != ColorInterp.alpha]
        if not bands:
            msg = f'The raster {self.path} holds transparency and no image.'
            raise InputError(msg)
        return tuple(bands[:3]) if len(bands) >= 3 else (bands[0],)

    def _read_window(
        self, window_xywh: tuple[int, int, int, int], out_wh: tuple[int, int] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        width, height = out_wh or window_xywh[2:]
        is_smaller = width < window_xywh[2] or height < window_xywh[3]
        palette = self._palette
        resampling = Resampling.average if is_smaller else Resampling.bilinear
        if palette is not None:
            resampling = Resampling.nearest  # between two numbers of colours is a third colour
        limits = self.value_range
        values, valid = self._read_values(
            Window(*window_xywh), (height, width), resampling=resampling
        )
        if palette is not None:
            image_bgr = palette[values[0].astype(np.uint8, copy=False)]
        else:
            pixels = values if limits is None else _in_8_bits(values, *limits)
            bands = pixels[::-1] if len(pixels) == 3 else pixels.repeat(3, axis=0)
            image_bgr = np.ascontiguousarray(np.moveaxis(bands, 0, -1))
        if not valid.all():
            image_bgr[~valid] = _PADDING
        return image_bgr, valid

    def _read_values(
        self, window: Window, shape: tuple[int, int], *, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the values of the bands (n, height, width), and where there is data."""
        try:
            with self._lock:
                values = self._dataset.read(
                    list(self._bands),
                    window=window,
                    out_shape=(len(self._bands), *shape),
                    resampling=resampling,
                )
                if self._has_mask:
                    valid = (
                        self._dataset.dataset_mask(
                            window=window, out_shape=shape, resampling=Resampling.nearest
                        )
                        > 0
                    )
                else:
                    valid = np.ones(shape, dtype=np.bool_)
        except (RasterioError, OSError, ValueError) as error:
            reason = _one_line(error.__cause__ or error)
            lacking = _missing_bytes(self.path)
            if lacking:
                reason = f'the file is cut short, it lacks {lacking} bytes.'
            msg = (
                f'The raster {self.path} cannot be read at {int(window.col_off)}, '
                f'{int(window.row_off)}: {reason}'
            )
            raise InputError(msg) from error
        if values.dtype.kind == 'f':
            valid &= np.isfinite(values).all(axis=0)
        return values, valid

    @cached_property
    def _palette(self) -> NDArray[np.uint8] | None:
        """Return the colours (256, 3) BGR of a raster with numbers of colours."""
        if self._dataset.colorinterp[self._bands[0] - 1] != ColorInterp.palette:
            return None
        colours = np.zeros((256, 3), dtype=np.uint8)
        for number, (red, green, blue, *_) in self._dataset.colormap(self._bands[0]).items():
            if number < 256:
                colours[number] = blue, green, red
        return colours

    def _read_georeference(self) -> RasterGeoreference | None:
        dataset = self._dataset
        if dataset.transform.is_identity and dataset.gcps[0]:
            self.why_unplaced = (
                'it has ground control points alone, and no transform from pixels to a map; '
                'gdalwarp makes one of them'
            )
            return None
        if dataset.transform.is_identity:
            self.why_unplaced = 'it has no transform from pixels to a map'
            return None
        if self.crs is None:
            self.why_unplaced = 'it does not state its coordinate reference system (CRS)'
            return None
        transform = tuple(map(float, dataset.transform[:6]))
        width, height = self.size_wh
        try:
            wkt = self.crs.to_wkt()
            found = RasterGeoreference(transform, wkt, self._stated_error_m())  # type: ignore[arg-type]
            found.metres_per_pixel((width / 2, height / 2))
        except (GeoError, RasterioError) as error:
            self.why_unplaced = _one_line(error)
            return None
        return found

    def _stated_error_m(self) -> float | None:
        """Return the accuracy that the raster's own metadata state, as a radius of 95 %."""
        for namespace in (None, *self._dataset.tag_namespaces()):
            items = self._dataset.tags(ns=namespace) if namespace else self._dataset.tags()
            for name, value in items.items():
                factor = _ACCURACY_ITEMS.get(name.upper())
                try:
                    if factor is not None and float(value) > 0:
                        return float(value) * factor
                except ValueError:
                    continue
        return None


def _opened(path: Path) -> Any:
    driver = driver_of(path)
    if driver is None:
        msg = 'it is none of GeoTIFF, JPEG 2000, JPEG, PNG, BMP and WebP.'
        raise ValueError(msg)
    return rasterio.open(path, driver=driver)


def _missing_bytes(path: Path) -> int:
    """Return how many bytes a TIFF lacks by its own directory of tags, 0 where that is unknown."""
    try:
        with path.open('rb') as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            if data[:2] not in (b'II', b'MM'):
                return 0
            # The arrays of tags are views of the file, and end with it.
            return max(read_pages(data)[0].end - len(data), 0)  # type: ignore[arg-type]
    except (OSError, ValueError, BufferError, VisionError):
        return 0


def _in_8_bits(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    scaled = (values.astype(np.float32) - low) * (255.0 / max(high - low, 1e-12))
    return np.rint(np.clip(np.nan_to_num(scaled), 0, 255)).astype(np.uint8)


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()).rstrip('.') + '.'
