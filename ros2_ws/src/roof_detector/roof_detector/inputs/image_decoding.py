# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads and decodes image files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.errors import InputError
from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as (height, width, 3) BGR, rotated as its EXIF says.

    Raises InputError for a file that is missing, cut short or not an image.
    """
    return decode_image(image_bytes(path), path)


def image_bytes(path: Path) -> bytes:
    """Read an image file without decoding it, or raise InputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f'The image {path} cannot be read: {" ".join(str(error).split())}'
        raise InputError(msg) from error


def decode_image(data: bytes, path: Path) -> NDArray[np.uint8]:
    """Decode the content of an image file as `read_image` does."""
    try:
        if path.suffix.lower() in ('.jpg', '.jpeg', '.png'):
            return decode_jpeg(data, turned_by_exif=True)
        image_bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (VisionError, cv2.error) as error:
        reason = ' '.join(str(error).split())
        msg = f'The image {path} cannot be read: {reason}'
        raise InputError(msg) from error
    if image_bgr is None:
        msg = f'The image {path} cannot be read: its {len(data)} bytes are damaged.'
        raise InputError(msg)
    return image_bgr  # type: ignore[return-value]


def is_image_file(path: Path) -> bool:
    """Return whether a file looks like an image and is not hidden."""
    visible = not path.name.startswith('.')
    return visible and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
