# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From a camera's bytes to a picture in the order blue, green, red."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import BadJpeg, BadStep, ShortData, UnsupportedEncoding, ZeroSize
from roof_detector.vision.jpeg_header import JPEG_START, JpegHeader

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
_PNG_START, _PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xaeB`\x82'


def view_bgr(
    data: Buffer, *, height: int, width: int, encoding: str, step: int
) -> npt.NDArray[np.uint8]:
    """Return a raw picture as (height, width, 3) BGR; rows are `step` bytes apart in `data`.

    For bgr8 the picture is a read-only view of `data`, which must outlive it; other encodings are
    converted into a new array.
    """
    if height < 1 or width < 1:
        raise ZeroSize(f'The picture is {width}x{height} pixels, expected at least 1x1.')
    if encoding not in _ENCODINGS:
        raise UnsupportedEncoding(
            f'Encoding {encoding!r} is not read directly, expected one of {", ".join(ENCODINGS)}.'
        )
    channels, conversion = _ENCODINGS[encoding]
    if step < width * channels:
        raise BadStep(
            f'Rows are {step} bytes apart, but {width} pixels of {encoding} take '
            f'{width * channels} bytes.'
        )
    flat = np.frombuffer(data, dtype=np.uint8)
    if len(flat) < height * step:
        raise ShortData(
            f'The picture has {len(flat)} bytes, but {height} rows of {step} bytes take '
            f'{height * step}.'
        )
    pixels: npt.NDArray[np.uint8] = np.ndarray(
        (height, width, channels), np.uint8, buffer=flat, strides=(step, channels, 1)
    )
    if conversion is None:
        pixels.flags.writeable = False
        return pixels
    return cv2.cvtColor(pixels, conversion)  # type: ignore[return-value]


def decode_jpeg(data: Buffer, *, reduce: int = 1) -> npt.NDArray[np.uint8]:
    """Decode a JPEG or PNG into BGR, on request at 1/2, 1/4 or 1/8 of its size.

    OpenCV decodes a JPEG that was cut short without a word and leaves the rest grey, so the end
    of the picture is looked for first.
    """
    if reduce not in _REDUCED:
        raise BadJpeg(f'reduce is {reduce}, expected one of {", ".join(map(str, _REDUCED))}.')
    _read_header(data)
    return _decode(data, reduce)


def decode_for(
    data: Buffer, needed_wh: Callable[[tuple[int, int]], tuple[int, int]]
) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Decode a JPEG as small as its use allows; return the picture and its full width and height.

    `needed_wh` tells from the full size the least that is of use. A JPEG is decoded at the least
    of 1/1, 1/2, 1/4 and 1/8 of its size that is not smaller; a PNG, which has no cheap small
    decoding, in full.
    """
    header = _read_header(data)
    if header is None or header.size_wh is None:
        image_bgr = _decode(data, 1)
        return image_bgr, (image_bgr.shape[1], image_bgr.shape[0])
    # EXIF data may turn the picture in decoding, so both ways round must do.
    upright, turned = header.size_wh, header.size_wh[::-1]
    reduce = max(
        one
        for one in _REDUCED
        if one == 1
        or all(
            have >= one * need
            for size_wh in (upright, turned)
            for have, need in zip(size_wh, needed_wh(size_wh), strict=True)
        )
    )
    image_bgr = _decode(data, reduce)
    height, width = image_bgr.shape[:2]
    as_stored = (width, height) == tuple(-(-side // reduce) for side in upright)
    return image_bgr, upright if as_stored else turned


def _decode(data: Buffer, reduce: int) -> npt.NDArray[np.uint8]:
    flat = np.frombuffer(data, dtype=np.uint8)
    image_bgr = cv2.imdecode(flat, _REDUCED[reduce])
    if image_bgr is None:
        raise BadJpeg(
            f'The compressed picture of {len(flat)} bytes cannot be decoded, it is damaged.'
        )
    return image_bgr  # type: ignore[return-value]


def _read_header(buffer: Buffer) -> JpegHeader | None:
    """Check that a picture is there from beginning to end; return a JPEG's header."""
    data = buffer if isinstance(buffer, bytes) else np.frombuffer(buffer, np.uint8).tobytes()
    if data.startswith(JPEG_START):
        header = JpegHeader.read(data)
        if data.rfind(_JPEG_END, header.scan_start) < 0:
            raise BadJpeg(
                f'The JPEG of {len(data)} bytes is cut short: its end marker is missing.'
            )
        return header
    if data.startswith(_PNG_START):
        if _PNG_END not in data[-64:]:
            raise BadJpeg(f'The PNG of {len(data)} bytes is cut short: its end chunk is missing.')
        return None
    raise BadJpeg(
        f'The compressed picture of {len(data)} bytes begins with {data[:4].hex(" ")!r}, '
        'expected a JPEG or a PNG.'
    )
