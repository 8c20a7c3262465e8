# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decodes TIFF in all its layouts: tiles, planes, 1 to 64 bits, floats, many bands and pages."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from roof_detector.inputs.tiff_header import Photometric, Tag, TiffPage, read_pages
from roof_detector.vision.encodings import check_claim
from roof_detector.vision.errors import BadJpeg, UnsupportedEncoding
from roof_detector.vision.orientation import UPRIGHT, upright
from roof_detector.vision.pixel_range import to_eight_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPLEX = (5, 6)  # sample formats
_FLOAT, _SIGNED = 3, 2
_UNREAD_COLOURS = {Photometric.CIELAB: 'CIELab', 9: 'ICCLab', 10: 'ITULab', 32844: 'LogL'}
_MOST_COLOURS = 4  # red, green, blue and one that is not shown


@dataclass(frozen=True, eq=False, kw_only=True)
class _Raster:
    """Values (bands, height, width), where they are valid (height, width), and a palette in BGR.

    `is_rgb` is True where GDAL calls the first band red, also after it converted CMYK.
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_] | None
    palette: NDArray[np.uint8] | None
    is_rgb: bool


def decode_tiff(data: bytes, *, turned: bool) -> tuple[NDArray[np.uint8], list[str]]:
    """Decode the first page of a TIFF to (height, width, 3) BGR, with notes on what was left out.

    A preview, which says that it is a reduced image, is not the first page. Of more than four
    bands only the first is read, as grey. Raises VisionError for a damaged or cut-off file, and
    for colours that are not read.
    """
    pages = read_pages(data)
    number = next((n for n, one in enumerate(pages) if not one.is_reduced), 0)
    page = pages[number]
    check_claim(page.size_wh, len(data), 'TIFF')
    _check_readable(page, data)
    raster = _read_raster(data, number)
    values, valid, palette = raster.values, raster.valid, raster.palette
    notes: list[str] = []
    images = [one for one in pages if not one.is_reduced]
    if len(images) > 1:
        notes.append(f'has {len(images)} pages; only the first is looked at')
    photometric = int(page.number(Tag.PHOTOMETRIC, Photometric.BLACK_IS_ZERO))
    if palette is not None:
        image_bgr = palette[np.clip(values[0], 0, len(palette) - 1)]
    elif photometric == Photometric.CMYK and not raster.is_rgb:
        image_bgr = _of_cmyk(values, page, valid)
    else:
        image_bgr = _of_bands(values, page, valid, photometric, notes)
    orientation = int(page.number(Tag.ORIENTATION, UPRIGHT)) if turned else UPRIGHT
    return upright(image_bgr, orientation), notes


def _check_readable(page: TiffPage, data: bytes) -> None:
    if page.end > len(data):
        msg = f'The TIFF of {len(data)} bytes is cut short: its pixels end at byte {page.end}.'
        raise BadJpeg(msg)
    if not page.end:
        msg = f'The TIFF of {len(data)} bytes holds no pixels.'
        raise BadJpeg(msg)
    if int(page.number(Tag.SAMPLE_FORMAT, 1)) in _COMPLEX:
        msg = 'The TIFF holds complex numbers, which are no image.'
        raise UnsupportedEncoding(msg)
    colours = _UNREAD_COLOURS.get(int(page.number(Tag.PHOTOMETRIC, 1)))
    if colours:
        msg = f'The TIFF has {colours} colours, which are not read; convert it to RGB.'
        raise UnsupportedEncoding(msg)


def _read_raster(data: bytes, page_number: int) -> _Raster:
    import rasterio  # noqa: PLC0415 - a third of a second, and most images are no TIFF
    from rasterio.errors import NotGeoreferencedWarning, RasterioError  # noqa: PLC0415
    from rasterio.io import MemoryFile  # noqa: PLC0415

    warnings.filterwarnings('ignore', category=NotGeoreferencedWarning)
    try:
        with (
            rasterio.Env(GDAL_NUM_THREADS='2'),
            MemoryFile(data) as file,
            rasterio.open(
                f'GTIFF_DIR:{page_number + 1}:{file.name}' if page_number else file.name,
                driver='GTiff',
            ) as dataset,
        ):
            palette = None
            if dataset.count == 1 and dataset.colorinterp[0].name == 'palette':
                table = dataset.colormap(1)
                palette = np.zeros((max(table) + 1, 3), np.uint8)
                for index, (red, green, blue, *_) in table.items():
                    palette[index] = blue, green, red
            bands = None if dataset.count <= _MOST_COLOURS else [1]
            values = dataset.read(bands)
            valid = None
            if dataset.nodata is not None and palette is None:
                valid = ~np.all(values == dataset.nodata, axis=0)
            return _Raster(
                values=values,
                valid=valid,
                palette=palette,
                is_rgb=dataset.colorinterp[0].name == 'red',
            )
    except (RasterioError, ValueError) as error:
        reason = ' '.join(str(error.__cause__ or error).split())
        msg = f'The TIFF of {len(data)} bytes cannot be decoded: {reason}'
        raise BadJpeg(msg) from error


def _of_cmyk(
    values: NDArray[Any], page: TiffPage, valid: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    if len(values) < 4:
        msg = f'The TIFF has CMYK colours with {len(values)} samples a pixel, expected 4.'
        raise UnsupportedEncoding(msg)
    planes = [to_eight_bits(one, declared=_full_range(page), valid=valid)[0] for one in values[:4]]
    rgb = Image.merge('CMYK', [Image.fromarray(one) for one in planes]).convert('RGB')
    return np.ascontiguousarray(np.asarray(rgb)[..., ::-1])


def _of_bands(
    values: NDArray[Any],
    page: TiffPage,
    valid: NDArray[np.bool_] | None,
    photometric: int,
    notes: list[str],
) -> NDArray[np.uint8]:
    is_colour = len(values) in (3, 4)
    if page.samples > _MOST_COLOURS:
        notes.append(f'has {page.samples} bands; only the first is looked at, as grey')
    pixels = np.moveaxis(values[2::-1], 0, -1) if is_colour else values[0]
    eight, note = to_eight_bits(
        pixels, declared=page.declared_range or _full_range(page), valid=valid
    )
    notes += [note] if note else []
    if photometric == Photometric.WHITE_IS_ZERO:
        eight = np.invert(eight)
    if not is_colour:
        eight = cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    return np.ascontiguousarray(eight)


def _full_range(page: TiffPage) -> tuple[float, float] | None:
    """Return the range of the integers of a page, None for floating-point numbers."""
    kind, bits = int(page.number(Tag.SAMPLE_FORMAT, 1)), page.bits
    if kind == _FLOAT:
        return None
    if kind == _SIGNED:
        return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1.0
    return 0.0, 2.0**bits - 1.0
