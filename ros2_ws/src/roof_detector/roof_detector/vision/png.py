# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The chunks of a PNG: its size, bit depth and damage, read before its pixels."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from roof_detector.vision.errors import BadJpeg
from roof_detector.vision.orientation import exif_orientation

PNG_START = b'\x89PNG\r\n\x1a\n'
_DEPTH_AT, _HEADER_END = 24, 33


@dataclass(frozen=True, kw_only=True)
class PngHeader:
    """A PNG's `size_wh`, bits per sample, and what its other chunks tell.

    `significant_bits` is that of sBIT, `bits` where it is absent; `exif` is the content of eXIf;
    `frames` is more than 1 for an animation.
    """

    size_wh: tuple[int, int]
    bits: int
    significant_bits: int
    exif: bytes = b''
    frames: int = 1

    @property
    def orientation(self) -> int:
        """Return EXIF's orientation, 1 where it has none."""
        return exif_orientation(self.exif)

    @classmethod
    def read(cls, data: bytes) -> PngHeader:
        """Read all chunks with their checksums; raise BadJpeg for a damaged or cut-off file."""
        if len(data) < _HEADER_END or data[12:16] != b'IHDR':
            msg = f'The PNG of {len(data)} bytes is cut short: it has no header.'
            raise BadJpeg(msg)
        size_wh = int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
        bits = significant = data[_DEPTH_AT]
        exif, frames, at, view = b'', 1, len(PNG_START), memoryview(data)
        while at + 12 <= len(data):
            length = int.from_bytes(view[at : at + 4], 'big')
            kind, end = bytes(view[at + 4 : at + 8]), at + 12 + length
            if end > len(data):
                break
            if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], 'big'):
                msg = f'The PNG of {len(data)} bytes is damaged: a checksum of its {kind!r} fails.'
                raise BadJpeg(msg)
            content = view[at + 8 : end - 4]
            if kind == b'sBIT' and length:
                significant = min(max(content), bits)
            elif kind == b'eXIf':
                exif = bytes(content)
            elif kind == b'acTL' and length >= 4:
                frames = int.from_bytes(content[:4], 'big')
            elif kind == b'IEND':
                return cls(
                    size_wh=size_wh,
                    bits=bits,
                    significant_bits=significant or bits,
                    exif=exif,
                    frames=frames,
                )
            at = end
        msg = f'The PNG of {len(data)} bytes is cut short: its end chunk is missing.'
        raise BadJpeg(msg)
