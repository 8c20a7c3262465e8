# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Small JPEGs for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    import numpy.typing as npt


def smaller_jpeg(encoded: bytes, *, width: int, quality: int) -> bytes:
    """Return an encoded image as a JPEG of at most `width` pixels; b'' if it cannot be decoded.

    A width of 0 keeps the size.
    """
    try:
        image = decode_jpeg(encoded)
    except VisionError:
        return b''
    return encoded_jpeg(image, width=width, quality=quality)


def encoded_jpeg(image_bgr: npt.NDArray[Any], *, width: int, quality: int) -> bytes:
    """Return an image as a JPEG of at most `width` pixels; 0 keeps the size."""
    if 0 < width < image_bgr.shape[1]:
        height = max(1, round(image_bgr.shape[0] * width / image_bgr.shape[1]))
        image_bgr = cv2.resize(image_bgr, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
