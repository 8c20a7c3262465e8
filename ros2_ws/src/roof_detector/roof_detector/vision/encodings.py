# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The conversion of camera data, raw or compressed, to BGR images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import (
    BadJpeg,
    BadStep,
    ExcessiveSize,
    ShortData,
    UnsupportedEncoding,
    ZeroSize,
)
from roof_detector.vision.jpeg_header import JPEG_START, JpegHeader
from roof_detector.vision.orientation import UPRIGHT, upright
from roof_detector.vision.pixel_range import to_eight_bits
from roof_detector.vision.png import PNG_START, PngHeader

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

Buffer: TypeAlias = 'bytes | bytearray | memoryview | array[int] | npt.NDArray[np.uint8]'

# Channels per pixel and the conversion to BGR of each encoding of sensor_msgs/Image read here.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    'bgr8': (3, None),
    'rgb8': (3, cv2.COLOR_RGB2BGR),
    'mono8': (1, cv2.COLOR_GRAY2BGR),
    'bgra8': (4, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, cv2.COLOR_RGBA2BGR),
}
ENCODINGS = tuple(_ENCODINGS)

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_JPEG_END = b'\xff\xd9'
# A header may claim more pixels than the data holds. The largest survey cameras have 150
# megapixels; as BGR this takes 750 MB.
MOST_PIXELS = 250_000_000
# A JPEG spends at least one bit on the brightness of 8x8 pixels and one on the absence of anything
# else, in each of its scans: black images of 4000x4000 measured 255 pixels a byte.
_MOST_PIXELS_PER_BYTE = 1024
_DEEP = 16  # bits of a sample of a PNG
_PNG_SIZE_END = 24


def view_bgr(
    data: Buffer, *, height: int, width: int, encoding: str, step: int
) -> npt.NDArray[np.uint8]:
    """Return a raw image as (height, width, 3) BGR; rows are `step` bytes apart in `data`.

    For bgr8 the image is a read-only view of `data`, which must outlive it; other encodings are
    converted into a new array.
    """
    if height < 1 or width < 1:
        raise ZeroSize.of(width, height)
    if encoding not in _ENCODINGS:
        msg = (
            f'Encoding {encoding!r} is not read directly, expected one of {", ".join(ENCODINGS)}.'
        )
        raise UnsupportedEncoding(msg)
    channels, conversion = _ENCODINGS[encoding]
    if step < width * channels:
        msg = (
            f'Rows are {step} bytes apart, but {width} pixels of {encoding} take '
            f'{width * channels} bytes.'
        )
        raise BadStep(msg)
    flat = np.frombuffer(data, dtype=np.uint8)
    if len(flat) < height * step:
        msg = (
            f'The image has {len(flat)} bytes, but {height} rows of {step} bytes take '
            f'{height * step}.'
        )
        raise ShortData(msg)
    pixels: npt.NDArray[np.uint8] = np.ndarray(
        (height, width, channels), np.uint8, buffer=flat, strides=(step, channels, 1)
    )
    if conversion is None:
        pixels.flags.writeable = False
        return pixels
    return cv2.cvtColor(pixels, conversion)  # type: ignore[return-value]


def decode_jpeg(
    data: Buffer, *, reduce: int = 1, turned_by_exif: bool = False
) -> npt.NDArray[np.uint8]:
    """Decode a JPEG or PNG into BGR, on request at 1/2, 1/4 or 1/8 of its size.

    Pixels stay as they are stored, which is what a CameraInfo describes; `turned_by_exif` rotates
    them as the EXIF data says, which people expect of a file. OpenCV decodes a cut-off JPEG
    without an error and leaves the rest grey, so the end of the image is checked first. A PNG of
    16 bits is brought to 8 as `to_eight_bits` says.
    """
    if reduce not in _REDUCED:
        msg = f'reduce is {reduce}, expected one of {", ".join(map(str, _REDUCED))}.'
        raise BadJpeg(msg)
    _, png = _read_size(data)
    if png is not None and png.bits == _DEEP:
        image_bgr, _ = decode_deep_png(data, png)
        if turned_by_exif and png.orientation != UPRIGHT:
            image_bgr = upright(image_bgr, png.orientation)
        return image_bgr if reduce == 1 else _shrunk(image_bgr, reduce)
    return _decode(data, reduce, turned_by_exif=turned_by_exif)


def read_png_header(data: bytes) -> PngHeader:
    """Read the header of a whole PNG of an accepted size, or raise VisionError."""
    if len(data) >= _PNG_SIZE_END:
        size_wh = int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
        check_claim(size_wh, len(data), 'PNG')
    return PngHeader.read(data)


def decode_deep_png(data: Buffer, png: PngHeader) -> tuple[npt.NDArray[np.uint8], str]:
    """Decode a PNG of 16 bits as stored into BGR; the note is that of `to_eight_bits`."""
    values = _decoded(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    shift = png.bits - png.significant_bits
    grey = values if values.ndim == 2 else values[..., 0]
    if values.ndim == 3:
        values = values[..., :3]
        if np.array_equal(values[..., 0], values[..., 1]) and np.array_equal(
            values[..., 0], values[..., 2]
        ):
            values = grey  # grey with transparency comes as colour
    eight, note = to_eight_bits(values >> shift, declared=(0.0, 2.0**png.significant_bits - 1.0))
    if eight.ndim == 2:
        eight = cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    return eight, note


def decode_for(
    data: Buffer, needed_wh: Callable[[tuple[int, int]], tuple[int, int]]
) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Decode a JPEG as small as its use allows; return the image and its full width and height.

    `needed_wh` returns the smallest useful size for a full size. A JPEG is decoded at the smallest
    of 1/1, 1/2, 1/4 and 1/8 of its size that is not below it; a PNG, which has no cheap small
    decoding, in full.
    """
    size_wh, png = _read_size(data)
    if png is not None:
        return decode_jpeg(data), size_wh
    needed = needed_wh(size_wh)
    reduce = max(
        one
        for one in _REDUCED
        if one == 1 or all(have >= one * need for have, need in zip(size_wh, needed, strict=True))
    )
    return _decode(data, reduce), size_wh


def _decode(data: Buffer, reduce: int, *, turned_by_exif: bool = False) -> npt.NDArray[np.uint8]:
    flags = _REDUCED[reduce] | (0 if turned_by_exif else cv2.IMREAD_IGNORE_ORIENTATION)
    return _decoded(np.frombuffer(data, dtype=np.uint8), flags)


def _decoded(flat: npt.NDArray[np.uint8], flags: int) -> npt.NDArray[Any]:
    try:
        image = cv2.imdecode(flat, flags)
    except cv2.error as error:
        msg = (
            f'The compressed image of {len(flat)} bytes cannot be decoded: '
            f'{" ".join(str(error).split())}'
        )
        raise BadJpeg(msg) from error
    if image is None:
        msg = f'The compressed image of {len(flat)} bytes cannot be decoded, it is damaged.'
        raise BadJpeg(msg)
    return image


def _shrunk(image_bgr: npt.NDArray[np.uint8], reduce: int) -> npt.NDArray[np.uint8]:
    height, width = image_bgr.shape[:2]
    size_wh = (width + reduce - 1) // reduce, (height + reduce - 1) // reduce
    return cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def _read_size(buffer: Buffer) -> tuple[tuple[int, int], PngHeader | None]:
    """Check that an image is complete and has an accepted size; return that size.

    The second value is the header of a PNG, None for a JPEG.
    """
    data = buffer if isinstance(buffer, bytes) else np.frombuffer(buffer, np.uint8).tobytes()
    if data.startswith(JPEG_START):
        header = JpegHeader.read(data)
        if data.rfind(_JPEG_END, header.scan_start) < 0:
            msg = f'The JPEG of {len(data)} bytes is cut short: its end marker is missing.'
            raise BadJpeg(msg)
        if header.size_wh is None:
            msg = f'The JPEG of {len(data)} bytes has no size in its header.'
            raise BadJpeg(msg)
        if header.unsupported:
            msg = f'The JPEG of {len(data)} bytes is {header.unsupported}, which is not read.'
            raise BadJpeg(msg)
        check_claim(header.size_wh, len(data), 'JPEG', most_per_byte=_MOST_PIXELS_PER_BYTE)
        return header.size_wh, None
    if data.startswith(PNG_START):
        png = read_png_header(data)
        return png.size_wh, png
    msg = (
        f'The compressed image of {len(data)} bytes begins with {data[:4].hex(" ")!r}, '
        'expected a JPEG or a PNG.'
    )
    raise BadJpeg(msg)


def check_claim(
    size_wh: tuple[int, int], size_bytes: int, kind: str, *, most_per_byte: int | None = None
) -> None:
    """Raise an error for a header that claims more than its bytes can hold, before allocation."""
    pixels = size_wh[0] * size_wh[1]
    claim = f'The {kind} of {size_bytes} bytes claims {size_wh[0]}x{size_wh[1]} pixels'
    if not pixels:
        msg = f'{claim}, expected at least 1x1.'
        raise ZeroSize(msg)
    if pixels > MOST_PIXELS:
        msg = f'{claim}, more than the {MOST_PIXELS / 1e6:.0f} million read here.'
        raise ExcessiveSize(msg)
    if most_per_byte is not None and pixels > most_per_byte * size_bytes:
        msg = f'{claim}, which so few bytes cannot hold.'
        raise ExcessiveSize(msg)
