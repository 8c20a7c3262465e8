# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From a camera's bytes to a picture in the order blue, green, red."""

from __future__ import annotations

from array import array
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import BadJpeg, BadStep, ShortData, UnsupportedEncoding, ZeroSize

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
_JPEG_START, _JPEG_END = b'\xff\xd8\xff', b'\xff\xd9'
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
    flat = np.frombuffer(data, dtype=np.uint8)
    _check_whole(flat.tobytes() if not isinstance(data, bytes) else data)
    image_bgr = cv2.imdecode(flat, _REDUCED[reduce])
    if image_bgr is None:
        raise BadJpeg(
            f'The compressed picture of {len(flat)} bytes cannot be decoded, it is damaged.'
        )
    return image_bgr  # type: ignore[return-value]


def _check_whole(data: bytes) -> None:
    if data.startswith(_JPEG_START):
        if data.rfind(_JPEG_END, _scan_start(data)) < 0:
            raise BadJpeg(
                f'The JPEG of {len(data)} bytes is cut short: its end marker is missing.'
            )
    elif data.startswith(_PNG_START):
        if _PNG_END not in data[-64:]:
            raise BadJpeg(f'The PNG of {len(data)} bytes is cut short: its end chunk is missing.')
    else:
        raise BadJpeg(
            f'The compressed picture of {len(data)} bytes begins with {data[:4].hex(" ")!r}, '
            'expected a JPEG or a PNG.'
        )


def _scan_start(data: bytes) -> int:
    """Return where the scan begins, past segments that may hold a thumbnail with its own end."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker == 0xDA:  # start of scan
            return position
        position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
    return len(data)
