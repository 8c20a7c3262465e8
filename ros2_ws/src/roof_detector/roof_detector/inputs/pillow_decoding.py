# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decodes the images that Pillow reads: HEIF, AVIF, WebP, JPEG 2000, BMP, GIF, Netpbm."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from roof_detector.inputs.file_kind import AVIF, GIF, HEIF, JPEG_2000, WEBP
from roof_detector.vision.encodings import MOST_PIXELS, check_claim
from roof_detector.vision.errors import BadJpeg, UnsupportedEncoding
from roof_detector.vision.orientation import UPRIGHT, upright
from roof_detector.vision.pixel_range import to_eight_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.inputs.file_kind import FileKind

try:
    import pillow_heif
except ModuleNotFoundError:  # of the extra `ground`
    _HAS_HEIF = False
else:
    _HAS_HEIF = True
    pillow_heif.register_heif_opener()  # for the readers of tags too

# Pillow's own limit of pixels is lower than ours.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
_DAMAGED = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, SyntaxError, EOFError),
    *(RuntimeError, MemoryError, struct.error),
)
_ORIENTATION = 0x0112
_DEEP_MODES = {'I;16', 'I;16L', 'I;16B', 'I;16N', 'I', 'F'}
_WORD = 65535.0


def decode_with_pillow(
    data: bytes, kind: FileKind, *, turned: bool
) -> tuple[NDArray[np.uint8], list[str]]:
    """Decode an image to (height, width, 3) BGR, with notes on what was left out.

    The first image of several is read; transparency is ignored. Raises VisionError for a damaged
    or cut-off file.
    """
    _check_end(data, kind)
    if kind is HEIF and not _HAS_HEIF:
        msg = (
            f'{kind.name} needs the package pillow-heif, which comes with the extra ground: pip '
            "install '.[ground]'."
        )
        raise UnsupportedEncoding(msg)
    try:
        with Image.open(BytesIO(data)) as image:
            check_claim(image.size, len(data), kind.name)
            notes: list[str] = []
            count = int(getattr(image, 'n_frames', 1))
            if count > 1:
                is_film = kind is not HEIF and getattr(image, 'is_animated', False)
                what = 'is animated' if is_film else 'is a series'
                notes.append(f'{what} ({count} images); only the first is looked at')
                image.seek(0) if kind is not HEIF else None  # HEIF opens at its primary image
            orientation = (
                image.getexif().get(_ORIENTATION, UPRIGHT) if kind is not HEIF else UPRIGHT
            )
            image_bgr, note = _to_bgr(image)
    except Image.DecompressionBombError as error:
        msg = f'The {kind.name} of {len(data)} bytes claims too many pixels: {error}'
        raise BadJpeg(msg) from error
    except BadJpeg:
        raise
    except _DAMAGED as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        if 'cannot identify' in reason:
            reason = 'its header is damaged or of a variant that is not known'
        msg = f'The {kind.name} of {len(data)} bytes cannot be decoded: {reason}'
        raise BadJpeg(msg) from error
    notes += [note] if note else []
    return (upright(image_bgr, orientation) if turned else image_bgr), notes


def _to_bgr(image: Image.Image) -> tuple[NDArray[np.uint8], str]:
    note = ''
    if image.mode in _DEEP_MODES:
        values = np.asarray(image)
        declared = None if image.mode == 'F' else (0.0, _WORD)
        eight, note = to_eight_bits(values, declared=declared)
        return cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False), note
    if image.mode in ('LAB', 'HSV'):
        msg = f'Its {image.mode} colours are not read; convert it to RGB.'
        raise UnsupportedEncoding(msg)
    if image.mode in ('P', 'PA') and 'transparency' in image.info:
        image = image.convert('RGBA')
    rgb = np.asarray(image if image.mode == 'RGB' else image.convert('RGB'))
    return np.ascontiguousarray(rgb[..., ::-1]), note


def _check_end(data: bytes, kind: FileKind) -> None:
    """Raise BadJpeg for a file that is shorter than its own structure says."""
    needed = len(data)
    if kind is WEBP:
        needed = 8 + int.from_bytes(data[4:8], 'little')
    elif kind in (HEIF, AVIF):
        needed = end_of_boxes(data)
    elif kind is JPEG_2000 and not data.rstrip(b'\0').endswith(b'\xff\xd9'):
        needed = end_of_boxes(data) if data[4:8] == b'jP  ' else len(data) + 1
    elif kind is GIF and not data.rstrip(b'\0').endswith(b';'):
        needed = len(data) + 1
    if needed > len(data):
        msg = f'The {kind.name} of {len(data)} bytes is cut short: its end is missing.'
        raise BadJpeg(msg)


def end_of_boxes(data: bytes) -> int:
    """Return where the last box of ISO 14496-12 ends, which a whole file reaches."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], 'big')
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], 'big')
        if length == 0:
            return len(data)
        if length < 8:
            break
        at += length
    return at
