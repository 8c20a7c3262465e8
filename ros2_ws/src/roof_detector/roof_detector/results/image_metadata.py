# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the metadata of an image file (EXIF with GPS, XMP, ICC, IPTC) for a copy of it."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from roof_detector.results.exif_block import copied_exif, has_orientation
from roof_detector.vision.jpeg_header import JPEG_START, jpeg_segments

_EXIF, _XMP, _XMP_MORE, _ICC, _IPTC = (
    b'Exif\0\0',
    b'http://ns.adobe.com/xap/1.0/\0',
    b'http://ns.adobe.com/xmp/extension/\0',
    b'ICC_PROFILE\0',
    b'Photoshop 3.0\0',
)
_APP0, _APP1, _APP2, _APP13, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xFE
_LONGEST_SEGMENT = 65_533  # bytes after the length field (ITU T.81, B.1.1.4)
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_XMP = b'XML:com.adobe.xmp\0\0\0\0\0'  # an iTXt chunk, neither compressed nor translated
_IPTC_THUMBNAILS = (b'8BIM\x04\x09', b'8BIM\x04\x0c')
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation\s*(?:=\s*["\']|>)\s*)[2-8]')
_XMP_THUMBNAILS = re.compile(rb'<(xmp:Thumbnails)\b.*?</\1\s*>', re.DOTALL)
DAMAGED = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, SyntaxError, EOFError),
    *(RuntimeError, MemoryError),
    *(struct.error, zlib.error, UnidentifiedImageError, Image.DecompressionBombError),
)
"""The exceptions that reading the metadata of a damaged file may raise."""


@dataclass(frozen=True, kw_only=True)
class ImageMetadata:
    """EXIF (a TIFF structure), XMP and ICC profile of an image file, b'' for none.

    `segments` are other segments of a JPEG that are copied unchanged: IPTC, extended XMP and
    comments.
    """

    exif: bytes = b''
    xmp: bytes = b''
    icc: bytes = b''
    segments: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, encoded: bytes) -> ImageMetadata:
        """Read the metadata of an image file that Pillow opens, or raise one of `DAMAGED`."""
        if encoded.startswith(JPEG_START):
            return cls._of_jpeg(encoded)
        with Image.open(BytesIO(encoded)) as image:
            info = image.info
            exif = bytes(info.get('exif', b''))
            xmp = info.get('xmp') or info.get('XML:com.adobe.xmp') or b''
            if image.format == 'TIFF':
                exif = _exif_of_tiff(image)
            return cls(
                exif=exif.removeprefix(_EXIF),
                xmp=xmp.encode() if isinstance(xmp, str) else bytes(xmp),
                icc=info.get('icc_profile') or b'',
            )

    @classmethod
    def _of_jpeg(cls, encoded: bytes) -> ImageMetadata:
        exif = xmp = b''
        profile: dict[int, bytes] = {}
        others = []
        for marker, content in jpeg_segments(encoded):
            if marker == _APP1 and content.startswith(_EXIF):
                exif = exif or content[len(_EXIF) :]
            elif marker == _APP1 and content.startswith(_XMP):
                xmp = xmp or content[len(_XMP) :]
            elif marker == _APP2 and content.startswith(_ICC):
                profile[content[len(_ICC)]] = content[len(_ICC) + 2 :]
            elif (
                marker == _COMMENT
                or (marker == _APP1 and content.startswith(_XMP_MORE))
                or (
                    marker == _APP13
                    and content.startswith(_IPTC)
                    and not any(thumbnail in content for thumbnail in _IPTC_THUMBNAILS)
                )
            ):
                others.append(_jpeg_segment(marker, content))
        icc = b''.join(profile[number] for number in sorted(profile))
        return cls(exif=exif, xmp=xmp, icc=icc, segments=tuple(others))

    def copied(self, size_wh: tuple[int, int], *, of_file: bool) -> ImageMetadata:
        """Return the metadata for a colour copy of this size without a thumbnail.

        Decoding rotates image files upright (`of_file`), but not images of a bag.
        """
        is_upright = of_file
        xmp = _XMP_THUMBNAILS.sub(b'', self.xmp)
        if is_upright and has_orientation(self.exif):
            xmp = _XMP_ORIENTATION.sub(rb'\g<1>1', xmp)
        return ImageMetadata(
            exif=copied_exif(self.exif, size_wh=size_wh, is_upright=is_upright),
            xmp=xmp,
            icc=self.icc if self.icc[16:20] == b'RGB ' else b'',
            segments=self.segments,
        )

    def into_jpeg(self, jpeg: bytes) -> bytes:
        """Return a JPEG with this metadata before its own tables."""
        parts = []
        if self.exif and len(self.exif) + len(_EXIF) <= _LONGEST_SEGMENT:
            parts.append(_jpeg_segment(_APP1, _EXIF + self.exif))
        if self.xmp and len(self.xmp) + len(_XMP) <= _LONGEST_SEGMENT:
            parts.append(_jpeg_segment(_APP1, _XMP + self.xmp))
        room = _LONGEST_SEGMENT - len(_ICC) - 2
        pieces = [self.icc[at : at + room] for at in range(0, len(self.icc), room)]
        if len(pieces) < 256:
            parts += [
                _jpeg_segment(_APP2, _ICC + bytes((number, len(pieces))) + piece)
                for number, piece in enumerate(pieces, start=1)
            ]
        parts += self.segments
        start = 2
        if jpeg[3] == _APP0:  # JFIF comes first
            start += 2 + int.from_bytes(jpeg[4:6], 'big')
        return jpeg[:start] + b''.join(parts) + jpeg[start:]

    def into_png(self, png: bytes) -> bytes:
        """Return a PNG with this metadata behind its header."""
        parts = []
        if self.icc:
            parts.append(_png_chunk(b'iCCP', b'ICC Profile\0\0' + zlib.compress(self.icc)))
        if self.exif:
            parts.append(_png_chunk(b'eXIf', self.exif))
        if self.xmp:
            parts.append(_png_chunk(b'iTXt', _PNG_XMP + self.xmp))
        start = len(_PNG_START) + 12 + int.from_bytes(png[8:12], 'big')  # past IHDR
        return png[:start] + b''.join(parts) + png[start:]

    def __bool__(self) -> bool:
        return bool(self.exif or self.xmp or self.icc or self.segments)


def _jpeg_segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, 'big') + content


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return len(content).to_bytes(4, 'big') + kind + content + checksum.to_bytes(4, 'big')


def _exif_of_tiff(image: Image.Image) -> bytes:
    """Return the EXIF of a TIFF without the tags that describe the storage of its pixels."""
    found = image.getexif()
    kept = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in found:
            kept[tag] = found[tag]
    for directory in (_EXIF_IFD, _GPS_IFD):
        if values := found.get_ifd(directory):
            kept.get_ifd(directory).update(values)
    return kept.tobytes().removeprefix(_EXIF)


_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# ImageDescription, Make, Model, Orientation, Software, DateTime, Artist, Copyright.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x8298)
