# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads and decodes image files, by their content: the one decoder of all image files."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
from PIL import Image

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.file_kind import (
    COMPANION_SUFFIXES,
    JPEG,
    PNG,
    TIFF,
    UNFINISHED_SUFFIXES,
    FileKind,
    Group,
    kind_of,
    kind_of_file,
)
from roof_detector.inputs.jpeg_scan import check_scan
from roof_detector.inputs.pillow_decoding import decode_with_pillow
from roof_detector.inputs.raw_photos import RAW_SUFFIXES, is_raw_tiff, raw_preview
from roof_detector.inputs.tiff_decoding import decode_tiff
from roof_detector.vision.encodings import decode_deep_png, decode_jpeg, read_png_header
from roof_detector.vision.errors import UnsupportedEncoding, VisionError
from roof_detector.vision.jpeg_header import jpeg_segments
from roof_detector.vision.orientation import upright

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

IMAGE_SUFFIXES = (
    *('.jpg', '.jpeg', '.jpe', '.jfif', '.mpo', '.png', '.bmp', '.dib', '.tif', '.tiff'),
    *('.webp', '.heic', '.heif', '.hif', '.avif', '.jp2', '.j2k', '.jpx', '.gif'),
    *('.ppm', '.pgm', '.pnm', '.insp', *RAW_SUFFIXES),
)
_MOST_BYTES = 4 << 30  # an image is decoded in memory
_THERMAL_DJI = b'InfraredCamera'
_APP1, _APP2 = 0xE1, 0xE2
_MP_ENTRIES = 0xB002


@dataclass(frozen=True, eq=False)
class DecodedFile:
    """A decoded image (height, width, 3) BGR, with notes on what of its file was not used.

    A note is a sentence without its subject and full stop, such as `has 3 pages; ...`.
    """

    image_bgr: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as (height, width, 3) BGR, rotated as its EXIF says.

    Raises InputError for a file that is missing, cut short, not an image or not supported.
    """
    return decode_image(image_bytes(path), path)


def image_bytes(path: Path) -> bytes:
    """Read an image file without decoding it, or raise InputError."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes <= _MOST_BYTES:
            return path.read_bytes()
    except OSError as error:
        msg = f'The image {path} cannot be read: {" ".join(str(error).split())}'
        raise InputError(msg) from error
    msg = (
        f'The image {path} cannot be read: it has {size_bytes} bytes, expected at most '
        f'{_MOST_BYTES}. Cut a raster so large into tiles.'
    )
    raise InputError(msg)


def decode_image(data: bytes, path: Path) -> NDArray[np.uint8]:
    """Decode the content of an image file as `read_image` does."""
    return decode_file(data, path).image_bgr


def decode_file(data: bytes, path: Path) -> DecodedFile:
    """Decode the content of an image file as `read_image` does, with notes."""
    try:
        return decode_bytes(data, turned=True)
    except (VisionError, cv2.error) as error:
        reason = ' '.join(str(error).split())
        msg = f'The image {path} cannot be read: {reason}'
        raise InputError(msg) from error


def decode_bytes(data: bytes, *, turned: bool) -> DecodedFile:
    """Decode an image of any kind that is read; `turned` applies its EXIF orientation.

    More than 8 bits are brought to 8 by the range that the file declares. ICC profiles are not
    applied and transparency is ignored, as in the images that networks are trained on. Raises
    VisionError with the true reason: cut short, damaged, not supported, or not an image.
    """
    kind = kind_of(data[:512])
    if kind is JPEG:
        check_scan(data)
        return DecodedFile(decode_jpeg(data, turned_by_exif=turned), _jpeg_notes(data))
    if kind is PNG:
        return _decode_png(data, turned=turned)
    if kind.group is Group.RAW or (kind is TIFF and is_raw_tiff(data)):
        jpeg, orientation, note = raw_preview(data, 'DNG' if kind is TIFF else kind.name)
        image_bgr = decode_jpeg(jpeg)
        return DecodedFile(upright(image_bgr, orientation) if turned else image_bgr, (note,))
    if kind is TIFF:
        image_bgr, notes = decode_tiff(data, turned=turned)
    elif kind.group is Group.IMAGE:
        image_bgr, notes = decode_with_pillow(data, kind, turned=turned)
    else:
        raise UnsupportedEncoding(_refusal(kind, data))
    return DecodedFile(image_bgr, tuple(notes))


def is_image_file(path: Path) -> bool:
    """Return whether a file is an image that is not hidden: by its name, else by its content.

    A video under the name of an image is none; what cameras write beside images is none either.
    """
    suffix = path.suffix.lower()
    if path.name.startswith('.') or not path.is_file():
        return False
    if suffix in IMAGE_SUFFIXES:
        return kind_of_file(path).group is not Group.VIDEO
    if suffix in (*COMPANION_SUFFIXES, *UNFINISHED_SUFFIXES):
        return False
    return kind_of_file(path).group is Group.IMAGE


def _decode_png(data: bytes, *, turned: bool) -> DecodedFile:
    png = read_png_header(data)
    notes = []
    if png.frames > 1:
        notes.append(f'is animated ({png.frames} images); only the first is looked at')
    if png.bits == 16:
        image_bgr, note = decode_deep_png(data, png)
        notes += [note] if note else []
        image_bgr = upright(image_bgr, png.orientation) if turned else image_bgr
    else:
        image_bgr = decode_jpeg(data, turned_by_exif=turned)
    return DecodedFile(image_bgr, tuple(notes))


def _jpeg_notes(data: bytes) -> tuple[str, ...]:
    notes = []
    for marker, content in jpeg_segments(data):
        if marker == _APP2 and content.startswith(b'MPF\0'):
            notes += _further_images(data)
        elif marker == _APP1 and (content.startswith(b'FLIR\0') or _THERMAL_DJI in content):
            notes.append(
                'is of a thermal camera; the colours that it shows are looked at, not its '
                'temperatures'
            )
    return tuple(dict.fromkeys(notes))


def _further_images(data: bytes) -> list[str]:
    """Return a note on further images of a JPEG; previews of the first (CIPA DC-007) are none."""
    try:
        with Image.open(BytesIO(data)) as image:
            entries = getattr(image, 'mpinfo', {}).get(_MP_ENTRIES, ())
            kinds = [str(entry['Attribute']['MPType']) for entry in entries]
            count = sum(not kind.startswith('Large Thumbnail') for kind in kinds)
            # Offsets count from the header of the multi-picture format; the first one's is 0.
            begin = int(image.info.get('mpoffset', 0))
            ends = [begin + one['DataOffset'] + one['Size'] for one in entries[1:]]
            end = max(ends, default=0)
    except Exception:  # Pillow raises anything for what is damaged behind the first image
        return []
    notes = [f'holds {count} images; only the first is looked at'] if count > 1 else []
    if end > len(data):
        notes.append(f'is cut short behind its first image: it lacks {end - len(data)} bytes')
    return notes


def _refusal(kind: FileKind, data: bytes) -> str:
    """Return why a file that is no image cannot be read as one."""
    if not data:
        return 'it is empty (0 bytes); was it copied to its end?'
    if kind.group is Group.UNREAD:
        return f'{kind.name} is not read; convert it to JPEG, PNG or TIFF.'
    if kind.group in (Group.VIDEO, Group.SOUND):
        return f'it holds {kind.group.value} ({kind.name}) and not an image.'
    if kind.group is Group.OTHER:
        return f'it holds {kind.name} and not an image.'
    return (
        f'its {len(data)} bytes begin with {data[:4].hex(" ")!r}: they are damaged, or of a '
        'kind of image that is not known.'
    )
