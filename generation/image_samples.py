# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Image files of every format, bit depth and layout that cameras and programs write."""

from __future__ import annotations

import io
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pillow_heif
import rasterio
from PIL import Image

from generation.format_sample import Sample, chart, grey_chart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_LOSSY = 5.0
_ORIENTATION = 0x0112


def rgb_chart() -> Image.Image:
    """Return the chart as Pillow's RGB."""
    return Image.fromarray(np.ascontiguousarray(chart()[..., ::-1]))


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """Return an image encoded by Pillow."""
    file = io.BytesIO()
    (rgb_chart() if image is None else image).save(file, kind, **options)
    return file.getvalue()


def written(suffix: str, data: Callable[[], bytes]) -> Callable[[Path], Path]:
    """Return what writes bytes to a path with a suffix."""

    def write(path: Path) -> Path:
        path = path.with_name(path.name + suffix)
        path.write_bytes(data())
        return path

    return write


def by_pillow(suffix: str, kind: str, mode: str = 'RGB', **options: Any) -> Callable[[Path], Path]:
    """Return what writes the chart with Pillow, in one of its modes."""
    return written(suffix, lambda: encoded(kind, rgb_chart().convert(mode), **options))


def turned(kind: str, orientation: int, **options: Any) -> bytes:
    """Return an image that is stored so that its EXIF orientation shows the chart."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return encoded(kind, Image.fromarray(_stored(orientation)), exif=exif, **options)


def _stored(orientation: int) -> NDArray[np.uint8]:
    """Return the chart in RGB as a camera stores it under an EXIF orientation."""
    shown = np.ascontiguousarray(chart()[..., ::-1])
    stored = {
        1: shown,
        2: shown[:, ::-1],
        3: shown[::-1, ::-1],
        4: shown[::-1],
        5: shown.transpose(1, 0, 2),
        6: np.rot90(shown, 1),
        7: np.rot90(shown, 2).transpose(1, 0, 2),
        8: np.rot90(shown, 3),
    }
    return np.ascontiguousarray(stored[orientation])


def by_rasterio(values: Callable[[], NDArray[Any]], **options: Any) -> Callable[[Path], Path]:
    """Return what writes bands (count, height, width) as a TIFF with GDAL."""

    def write(path: Path) -> Path:
        bands = values()
        path = path.with_name(f'{path.name}.tif')
        with rasterio.open(
            path,
            'w',
            driver='GTiff',
            count=len(bands),
            height=bands.shape[1],
            width=bands.shape[2],
            dtype=bands.dtype,
            **options,
        ) as file:
            file.write(bands)
        return path

    return write


def bands(scale: float = 1.0, dtype: str = 'uint8') -> NDArray[Any]:
    """Return the chart's red, green and blue times a number."""
    return np.moveaxis(chart()[..., ::-1].astype(np.float64) * scale, -1, 0).astype(dtype)


def grey_band(low: float, high: float, dtype: str) -> NDArray[Any]:
    """Return the chart's green as one band, where 0 is `low` and 255 `high`."""
    grey = chart()[..., 1].astype(np.float64)
    return (low + grey * (high - low) / 255)[None].astype(dtype)


def stretched() -> NDArray[np.uint8]:
    """Return the grey chart with its own values from black to white."""
    grey = chart()[..., 1].astype(np.float64)
    low, high = np.percentile(grey, (0.5, 99.5))
    eight = np.clip((grey - low) * 255 / (high - low), 0, 255).round().astype(np.uint8)
    return np.repeat(eight[..., None], 3, axis=2)


def luma() -> NDArray[np.uint8]:
    """Return the chart's brightness as three equal channels."""
    grey = np.asarray(rgb_chart().convert('L'))
    return np.repeat(grey[..., None], 3, axis=2)


def palette_chart() -> NDArray[np.uint8]:
    """Return the chart with the colours of a palette, in BGR."""
    return np.ascontiguousarray(np.asarray(rgb_chart().convert('P').convert('RGB'))[..., ::-1])


def deep_png(values: NDArray[Any]) -> bytes:
    """Return values as a PNG of 16 bits."""
    return cv2.imencode('.png', values.astype(np.uint16))[1].tobytes()


def heif(**options: Any) -> bytes:
    """Return the chart as HEIF."""
    file = io.BytesIO()
    pillow_heif.from_pillow(rgb_chart()).save(file, **{'quality': 90, **options})
    return file.getvalue()


def deep_heif() -> bytes:
    """Return the chart as HEIF of 10 bits."""
    values = np.ascontiguousarray(chart()[..., ::-1].astype(np.uint16) * 257)
    file = io.BytesIO()
    pillow_heif.encode('RGB;16', (96, 64), values.tobytes(), file, quality=90, bit_depth=10)
    return file.getvalue()


def with_frame_header(marker: int, bits: int) -> bytes:
    """Return a JPEG whose frame header claims another process and precision."""
    data = bytearray(encoded('JPEG'))
    at = data.index(b'\xff\xc0')
    data[at + 1], data[at + 4] = marker, bits
    return bytes(data)


def with_app1(content: bytes) -> bytes:
    """Return a JPEG with a further APP1 segment."""
    data = encoded('JPEG', quality=92)
    segment = b'\xff\xe1' + (len(content) + 2).to_bytes(2, 'big') + content
    return data[:2] + segment + data[2:]


def raw_photo(preview: bytes = b'') -> bytes:
    """Return a DNG of 96x64 pixels, with or without a JPEG preview."""
    sensor = chart()[..., 1].astype('<u2').tobytes()
    preview_at = 8 + len(sensor)
    first_at = preview_at + len(preview)
    own = [
        (254, 4, 0),
        (256, 4, 96),
        (257, 4, 64),
        (258, 3, 16),
        (259, 3, 1),
        (262, 3, 32803),
        (273, 4, 8),
        (277, 3, 1),
        (279, 4, len(sensor)),
        (50706, 4, 0x00000401),
    ]
    small = [
        (254, 4, 1),
        (256, 4, 96),
        (257, 4, 64),
        (258, 3, 8),
        (259, 3, 7),
        (262, 3, 6),
        (273, 4, preview_at),
        (277, 3, 3),
        (279, 4, len(preview)),
    ]
    first = _directory(own, first_at + 2 + 12 * len(own) + 4 if preview else 0)
    second = _directory(small, 0) if preview else b''
    return b'II*\0' + struct.pack('<I', first_at) + sensor + preview + first + second


def _directory(entries: list[tuple[int, int, int]], following: int) -> bytes:
    packed = b''.join(struct.pack('<HHII', tag, kind, 1, value) for tag, kind, value in entries)
    return struct.pack('<H', len(entries)) + packed + struct.pack('<I', following)


def series(kind: str, count: int = 3, **options: Any) -> bytes:
    """Return several images in one file, the chart first."""
    others = [Image.new('RGB', (96, 64), (number, 0, 0)) for number in range(1, count)]
    return encoded(kind, save_all=True, append_images=others, **options)


def cut(data: bytes, share: float = 0.6) -> bytes:
    """Return the first part of a file."""
    return data[: int(len(data) * share)]


def cut_of(make: Callable[[], bytes]) -> bytes:
    """Return the first part of a file."""
    return cut(make())


def with_preview() -> bytes:
    """Return a TIFF whose first page is a preview, which says so (NewSubfileType 1)."""
    preview = Image.new('RGB', (24, 16))
    data = io.BytesIO()
    preview.save(data, 'TIFF', save_all=True, append_images=[rgb_chart()], tiffinfo={254: 1})
    both = bytearray(data.getvalue())
    entry = struct.pack('<HHI', 254, 4, 1)
    both[both.rindex(entry) + 8] = 0  # of the second page
    return bytes(both)


def with_empty_sectors() -> bytes:
    """Return a JPEG two sectors of whose pixels a card has lost."""
    noise = np.random.default_rng(3).integers(0, 255, (128, 128, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, 'JPEG', quality=90)
    lost = bytearray(data.getvalue())
    lost[4096:5120] = bytes(1024)
    return bytes(lost)


def claiming_bmp() -> bytes:
    """Return a BMP whose header claims 60000x60000 pixels."""
    data = bytearray(encoded('BMP'))
    data[18:26] = struct.pack('<ii', 60_000, 60_000)
    return bytes(data)


def empty_png() -> bytes:
    """Return a PNG of 0x0 pixels."""
    data = bytearray(encoded('PNG'))
    data[16:24] = bytes(8)
    return bytes(data)


def claiming_png() -> bytes:
    """Return a PNG of a few bytes that claims 60000x60000 pixels."""
    data = bytearray(encoded('PNG'))
    data[16:24] = (60_000).to_bytes(4, 'big') * 2
    return bytes(data)


def flipped_png() -> bytes:
    """Return a PNG with a wrong byte in its pixels."""
    data = bytearray(encoded('PNG'))
    data[data.index(b'IDAT') + 20] ^= 0xFF
    return bytes(data)


_FIRST_ONLY = 'only the first is looked at'
_STRETCHED = 'are shown from black to white'

PHOTOS = (
    Sample(name='JPEG', make=by_pillow('.jpg', 'JPEG', quality=92), tolerance=_LOSSY),
    Sample(
        name='JPEG, progressive, suffix in upper case',
        make=by_pillow('.JPG', 'JPEG', quality=92, progressive=True),
        tolerance=_LOSSY,
    ),
    Sample(name='JPEG, grey', make=by_pillow('.jpg', 'JPEG', 'L'), truth=luma, tolerance=3),
    Sample(
        name='JPEG, CMYK', make=by_pillow('.jpg', 'JPEG', 'CMYK', quality=92), tolerance=_LOSSY
    ),
    *(
        Sample(
            name=f'JPEG, EXIF orientation {number}',
            make=written('.jpg', partial(turned, 'JPEG', number, quality=92)),
            tolerance=_LOSSY,
        )
        for number in range(1, 9)
    ),
    Sample(
        name='JPEG with a second image (MPO)',
        make=written('.jpg', partial(series, 'MPO', 2)),
        tolerance=_LOSSY,
        note=_FIRST_ONLY,
    ),
    Sample(
        name='JPEG whose second image (MPO) is cut short',
        make=written('.jpg', lambda: cut(series('MPO', 2), 0.98)),
        tolerance=_LOSSY,
        note='is cut short behind its first image',
    ),
    Sample(
        name='JPEG of 12 bits',
        make=written('.jpg', partial(with_frame_header, 0xC1, 12)),
        refusal='of 12 bits a colour, which is not read',
    ),
    Sample(
        name='JPEG, lossless',
        make=written('.jpg', partial(with_frame_header, 0xC3, 8)),
        refusal='is lossless, which is not read',
    ),
    Sample(name='HEIC of phones', make=written('.heic', heif), tolerance=_LOSSY),
    Sample(name='HEIC of 10 bits', make=written('.HEIC', deep_heif), tolerance=_LOSSY),
    Sample(name='AVIF', make=by_pillow('.avif', 'AVIF', quality=90), tolerance=_LOSSY),
    Sample(
        name='AVIF, turned',
        make=written('.avif', partial(turned, 'AVIF', 6, quality=90)),
        tolerance=_LOSSY,
    ),
    Sample(name='WebP', make=by_pillow('.webp', 'WEBP', quality=92), tolerance=_LOSSY),
    Sample(
        name='WebP, lossless, turned',
        make=written('.webp', partial(turned, 'WEBP', 6, lossless=True)),
    ),
    Sample(
        name='WebP, animated',
        make=written('.webp', partial(series, 'WEBP', lossless=True)),
        note=_FIRST_ONLY,
    ),
    Sample(name='PNG', make=by_pillow('.png', 'PNG')),
    Sample(
        name='PNG with a palette',
        make=by_pillow('.png', 'PNG', 'P'),
        truth=palette_chart,
    ),
    Sample(name='PNG with transparency, which is ignored', make=by_pillow('.png', 'PNG', 'RGBA')),
    Sample(name='PNG, turned', make=written('.png', partial(turned, 'PNG', 6))),
    Sample(name='PNG, animated', make=written('.png', partial(series, 'PNG')), note=_FIRST_ONLY),
    Sample(
        name='PNG of 16 bits, colour',
        make=written('.png', lambda: deep_png(chart().astype(np.uint16) * 257)),
    ),
    Sample(
        name='PNG of 16 bits, grey',
        make=written('.png', lambda: deep_png(grey_band(0, 65535, 'uint16')[0])),
        truth=grey_chart,
        tolerance=1,
    ),
    Sample(
        name='PNG of 16 bits that uses 12 of them, colour',
        make=written('.png', lambda: deep_png(chart().astype(np.uint16) * 16)),
        tolerance=1,
        note='has colours of 12 bits',
    ),
    Sample(name='BMP', make=by_pillow('.bmp', 'BMP')),
    Sample(name='GIF', make=by_pillow('.gif', 'GIF', 'P'), truth=palette_chart),
    Sample(
        name='GIF, animated',
        make=written('.gif', partial(series, 'GIF')),
        tolerance=9,
        note=_FIRST_ONLY,
    ),
    Sample(name='JPEG 2000', make=by_pillow('.jp2', 'JPEG2000')),
    Sample(
        name='JPEG 2000 of 16 bits, grey',
        make=written(
            '.jp2', lambda: encoded('JPEG2000', Image.fromarray(grey_band(0, 65535, 'uint16')[0]))
        ),
        truth=grey_chart,
        tolerance=1,
    ),
    Sample(name='Netpbm', make=by_pillow('.ppm', 'PPM')),
    Sample(
        name='JPEG XL',
        make=written('.jpg', lambda: b'\xff\x0a' + bytes(99)),
        refusal='JPEG XL is not read; convert it to JPEG, PNG or TIFF.',
    ),
)

TIFFS = (
    Sample(name='TIFF', make=by_pillow('.tif', 'TIFF')),
    *(
        Sample(
            name=f'TIFF, EXIF orientation {number}',
            make=written('.tif', partial(turned, 'TIFF', number)),
        )
        for number in (3, 6)
    ),
    Sample(
        name='TIFF in tiles, deflated',
        make=by_rasterio(bands, tiled=True, blockxsize=32, blockysize=32, compress='deflate'),
    ),
    Sample(name='TIFF in planes, LZW', make=by_rasterio(bands, interleave='band', compress='lzw')),
    Sample(name='TIFF, Zstandard', make=by_rasterio(bands, compress='zstd')),
    Sample(name='TIFF, big-endian', make=by_rasterio(bands, ENDIANNESS='BIG')),
    Sample(name='BigTIFF', make=by_rasterio(bands, BIGTIFF='YES')),
    Sample(
        name='TIFF with JPEG inside, YCbCr',
        make=by_rasterio(bands, compress='jpeg', photometric='YCBCR', JPEG_QUALITY=92),
        tolerance=_LOSSY,
    ),
    Sample(name='TIFF, CMYK', make=by_pillow('.tif', 'TIFF', 'CMYK'), tolerance=2),
    Sample(
        name='TIFF with a palette',
        make=by_pillow('.tif', 'TIFF', 'P'),
        truth=palette_chart,
    ),
    Sample(
        name='TIFF with transparency, which is ignored', make=by_pillow('.tif', 'TIFF', 'RGBA')
    ),
    Sample(name='TIFF, grey', make=by_pillow('.tif', 'TIFF', 'L'), truth=luma),
    Sample(
        name='TIFF, grey, white is zero',
        make=by_rasterio(lambda: 255 - grey_band(0, 255, 'uint8'), photometric='MINISWHITE'),
        truth=grey_chart,
    ),
    Sample(
        name='TIFF of 1 bit',
        make=by_rasterio(lambda: (grey_band(0, 255, 'uint8') > 127).astype('uint8'), nbits=1),
        truth=lambda: ((grey_chart() > 127) * 255).astype(np.uint8),
    ),
    Sample(
        name='TIFF of 16 bits', make=by_rasterio(lambda: bands(257, 'uint16'), photometric='RGB')
    ),
    Sample(
        name='TIFF of 16 bits, big-endian, in tiles',
        make=by_rasterio(
            lambda: bands(257, 'uint16'), photometric='RGB', ENDIANNESS='BIG', tiled=True
        ),
    ),
    Sample(
        name='TIFF of floats from 0 to 1',
        make=by_rasterio(lambda: bands(1 / 255, 'float32'), photometric='RGB'),
        note='taken as 0 to 1',
    ),
    Sample(
        name='TIFF of floats of any range, grey',
        make=by_rasterio(lambda: grey_band(-12.5, 61.0, 'float32')),
        truth=stretched,
        tolerance=1,
        note=_STRETCHED,
    ),
    Sample(
        name='TIFF of several pages',
        make=written('.tif', partial(series, 'TIFF')),
        note='has 3 pages; only the first is looked at',
    ),
    Sample(name='TIFF with a preview as its first page', make=written('.tif', with_preview)),
    Sample(
        name='TIFF of a CIELab program',
        make=by_pillow('.tif', 'TIFF', 'LAB'),
        refusal='has CIELab colours, which are not read; convert it to RGB',
    ),
)

THERMAL = (
    Sample(
        name='Thermal JPEG of DJI (R-JPEG)',
        make=written(
            '.jpg',
            lambda: with_app1(
                b'http://ns.adobe.com/xap/1.0/\0<x drone-dji:ImageSource="InfraredCamera"/>'
            ),
        ),
        tolerance=_LOSSY,
        note='is of a thermal camera; the colours that it shows are looked at',
    ),
    Sample(
        name='Thermal JPEG of FLIR',
        make=written('.jpg', lambda: with_app1(b'FLIR\0\x01\0\0' + bytes(99))),
        tolerance=_LOSSY,
        note='is of a thermal camera; the colours that it shows are looked at',
    ),
    Sample(
        name='Thermal TIFF of 16 bits (hundredths of a kelvin)',
        make=by_rasterio(lambda: grey_band(28000, 31000, 'uint16')),
        truth=stretched,
        tolerance=1,
        note=_STRETCHED,
    ),
    Sample(
        name='One band of a multispectral camera, 12 of 16 bits',
        make=by_rasterio(lambda: grey_band(0, 4095, 'uint16')),
        truth=stretched,
        tolerance=1,
        note=_STRETCHED,
    ),
    Sample(
        name='Multispectral TIFF of 5 bands, 16 bits',
        make=by_rasterio(lambda: np.concatenate([grey_band(0, 65535, 'uint16')] * 5)),
        truth=grey_chart,
        tolerance=1,
        note='has 5 bands; only the first is looked at, as grey',
    ),
    Sample(
        name='Raw photo (DNG) with a JPEG preview of full size',
        make=written('.dng', lambda: raw_photo(encoded('JPEG', quality=92))),
        tolerance=_LOSSY,
        note='is a raw photo (DNG); its JPEG preview',
    ),
    Sample(
        name='Raw photo (DNG) without such a preview',
        make=written('.dng', raw_photo),
        refusal='It is a raw photo (DNG), which is read by its full-size JPEG preview alone',
    ),
)

DAMAGE = (
    *(
        Sample(
            name=f'{name} cut short',
            make=written(suffix, partial(cut_of, data)),
            refusal='is cut short',
        )
        for name, suffix, data in (
            ('JPEG', '.jpg', partial(encoded, 'JPEG')),
            ('PNG', '.png', partial(encoded, 'PNG')),
            ('TIFF', '.tif', partial(encoded, 'TIFF')),
            ('HEIC', '.heic', heif),
            ('AVIF', '.avif', partial(encoded, 'AVIF')),
            ('WebP', '.webp', partial(encoded, 'WEBP')),
            ('JPEG 2000', '.jp2', partial(encoded, 'JPEG2000')),
            ('GIF', '.gif', partial(encoded, 'GIF')),
        )
    ),
    Sample(
        name='BMP cut short',
        make=written('.bmp', lambda: cut(encoded('BMP'))),
        refusal='truncated',
    ),
    Sample(
        name='JPEG with empty sectors, as of a card that fails',
        make=written('.jpg', with_empty_sectors),
        refusal='its pixels are empty, as where a memory card fails',
    ),
    Sample(
        name='PNG with a wrong byte',
        make=written('.png', flipped_png),
        refusal='is damaged: a checksum',
    ),
    Sample(
        name='Image file without content',
        make=written('.jpg', bytes),
        refusal='it is empty (0 bytes)',
    ),
    Sample(
        name='Text under the name of an image',
        make=written('.jpg', lambda: b'remember the milk\n' * 9),
        refusal='it holds text and not an image',
    ),
    Sample(
        name='Video under the name of an image',
        make=written('.jpg', lambda: b'\0\0\0\x18ftypmp42' + bytes(64)),
        refusal='it holds video (MP4 or QuickTime) and not an image',
    ),
    Sample(name='PNG under the name of a JPEG', make=by_pillow('.jpg', 'PNG')),
    Sample(name='PNG of 0x0 pixels', make=written('.png', empty_png), refusal='claims 0x0 pixels'),
    Sample(
        name='PNG that claims 60000x60000 pixels',
        make=written('.png', claiming_png),
        refusal='more than the 250 million read here',
    ),
    Sample(
        name='BMP that claims 60000x60000 pixels',
        make=written('.bmp', claiming_bmp),
        refusal='claims too many pixels',
    ),
)


IMAGE_GROUPS = {
    'Photos': PHOTOS,
    'TIFF': TIFFS,
    'Thermal, multispectral and raw photos': THERMAL,
    'Damaged and misnamed images': DAMAGE,
}
