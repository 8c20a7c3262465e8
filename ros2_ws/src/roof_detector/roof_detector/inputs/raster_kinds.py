# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which image files are orthophotos, or so large that they are read in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

RASTER_SUFFIXES = ('.tif', '.tiff', '.jp2')
_PLAIN_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
# GDAL's driver by the first bytes of a file, whatever it is called. Others are not opened: a VRT,
# for one, names further files and addresses.
_MAGIC = {
    b'II*\0': 'GTiff',
    b'MM\0*': 'GTiff',
    b'II+\0': 'GTiff',
    b'MM\0+': 'GTiff',
    b'\0\0\0\x0cjP  \r\n\x87\n': 'JP2OpenJPEG',
    b'\xff\x4f\xff\x51': 'JP2OpenJPEG',
    b'\xff\xd8\xff': 'JPEG',
    b'\x89PNG\r\n\x1a\n': 'PNG',
    b'BM': 'BMP',
    b'RIFF': 'WEBP',
}
_WORLD_SUFFIXES = ('.jgw', '.jpgw', '.jpegw', '.pgw', '.pngw', '.bpw', '.wld')
# More than any camera's photo has: what is larger is read in windows, not as a whole.
LARGEST_PHOTO_PX = 160_000_000
_LEAST_LARGE_BYTES = 1 << 20  # a photo of fewer bytes is not even opened to see how large it is


def driver_of(path: Path) -> str | None:
    """Return the name of GDAL's driver for a file by its content, None for none of them.

    Raises OSError.
    """
    with path.open('rb') as file:
        head = file.read(12)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def is_raster(path: Path) -> bool:
    """Return whether an image file is read in windows: it is georeferenced, or very large."""
    suffix = path.suffix.lower()
    if suffix not in (*RASTER_SUFFIXES, *_PLAIN_SUFFIXES) or not path.is_file():
        return False
    if suffix in _PLAIN_SUFFIXES and not _is_placed_beside(path):
        return path.stat().st_size >= _LEAST_LARGE_BYTES and _claims_more(path, LARGEST_PHOTO_PX)
    # Loaded here, for most inputs need no GDAL, and it may not be installed.
    from roof_detector.inputs.raster_file import RasterFile  # noqa: PLC0415

    return RasterFile.is_placed_or_larger(path, than_px=LARGEST_PHOTO_PX)


def _is_placed_beside(path: Path) -> bool:
    """Return whether a file beside an image tells its place: a world file, or GDAL's notes."""
    world = any(path.with_suffix(one).is_file() for one in _WORLD_SUFFIXES)
    return world or path.with_name(f'{path.name}.aux.xml').is_file()


def _claims_more(path: Path, than_px: int) -> bool:
    """Return whether the header of an image claims more pixels; False where it is unreadable."""
    try:
        with Image.open(path) as image:
            return image.width * image.height > than_px
    except Image.DecompressionBombError:
        return True
    except Exception:  # what is wrong is said where it is read as an image
        return False
