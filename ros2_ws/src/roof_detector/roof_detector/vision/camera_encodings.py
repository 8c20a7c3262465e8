# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Camera encodings that need a conversion: 16-bit, Bayer and YUV."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import BadStep, ShortData, UnsupportedEncoding, ZeroSize

if TYPE_CHECKING:
    from roof_detector.vision.encodings import Buffer


@dataclass(frozen=True)
class _Layout:
    """The layout of an encoding's bytes, and the OpenCV conversion to BGR.

    `rows_per_height` is 3/2 if planes of colour follow the plane of brightness.
    """

    channels: int
    depth: type[np.uint8] | type[np.uint16]
    conversion: int | None
    rows_per_height: Fraction = Fraction(1)


# OpenCV names a Bayer pattern by its second row from the second column on, ROS by its first row.
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2BGR,
    'bggr': cv2.COLOR_BayerRG2BGR,
    'gbrg': cv2.COLOR_BayerGR2BGR,
    'grbg': cv2.COLOR_BayerGB2BGR,
}
_LAYOUTS = {
    '8UC1': _Layout(1, np.uint8, cv2.COLOR_GRAY2BGR),
    '8UC3': _Layout(3, np.uint8, None),
    '8UC4': _Layout(4, np.uint8, cv2.COLOR_BGRA2BGR),
    'mono16': _Layout(1, np.uint16, cv2.COLOR_GRAY2BGR),
    '16UC1': _Layout(1, np.uint16, cv2.COLOR_GRAY2BGR),
    'bgr16': _Layout(3, np.uint16, None),
    'rgb16': _Layout(3, np.uint16, cv2.COLOR_RGB2BGR),
    'bgra16': _Layout(4, np.uint16, cv2.COLOR_BGRA2BGR),
    'rgba16': _Layout(4, np.uint16, cv2.COLOR_RGBA2BGR),
    'uyvy': _Layout(2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'yuv422': _Layout(2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'yuyv': _Layout(2, np.uint8, cv2.COLOR_YUV2BGR_YUYV),
    'yuv422_yuy2': _Layout(2, np.uint8, cv2.COLOR_YUV2BGR_YUYV),
    'nv12': _Layout(1, np.uint8, cv2.COLOR_YUV2BGR_NV12, Fraction(3, 2)),
    'nv21': _Layout(1, np.uint8, cv2.COLOR_YUV2BGR_NV21, Fraction(3, 2)),
    **{f'bayer_{name}8': _Layout(1, np.uint8, code) for name, code in _BAYER.items()},
    **{f'bayer_{name}16': _Layout(1, np.uint16, code) for name, code in _BAYER.items()},
}
CAMERA_ENCODINGS = tuple(_LAYOUTS)


def convert_to_bgr(
    data: Buffer, *, height: int, width: int, encoding: str, step: int, big_endian: bool = False
) -> npt.NDArray[np.uint8]:
    """Return a raw image as a new (height, width, 3) BGR array.

    The names are those of sensor_msgs/image_encodings. 16-bit values are scaled so that 65535
    becomes 255: stretch the image of a thermal camera that uses a small part of that range first.
    """
    if height < 1 or width < 1:
        raise ZeroSize.of(width, height)
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        msg = f'Encoding {encoding!r} is not known, expected one of {", ".join(_LAYOUTS)}.'
        raise UnsupportedEncoding(msg)
    rows = height * layout.rows_per_height
    if rows.denominator != 1 or (layout.rows_per_height != 1 and width % 2):
        msg = f'{encoding} needs an even width and height, not {width}x{height}.'
        raise UnsupportedEncoding(msg)
    pixel_bytes = layout.channels * np.dtype(layout.depth).itemsize
    if step < width * pixel_bytes:
        msg = (
            f'Rows are {step} bytes apart, but {width} pixels of {encoding} take '
            f'{width * pixel_bytes} bytes.'
        )
        raise BadStep(msg)
    flat = np.frombuffer(data, dtype=np.uint8)
    if len(flat) < int(rows) * step:
        msg = (
            f'The image has {len(flat)} bytes, but {rows} rows of {step} bytes take '
            f'{int(rows) * step}.'
        )
        raise ShortData(msg)
    packed = flat[: int(rows) * step].reshape(int(rows), step)[:, : width * pixel_bytes]
    depth = np.dtype(layout.depth).newbyteorder('>' if big_endian else '<')
    values = np.ascontiguousarray(packed).view(depth)
    pixels: npt.NDArray[Any] = values.astype(layout.depth, copy=False)
    if layout.channels > 1:
        pixels = pixels.reshape(height, width, layout.channels)
    if layout.conversion is not None:
        pixels = cv2.cvtColor(pixels, layout.conversion)
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    return np.ascontiguousarray(pixels)
