# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The header of a JPEG: its size and kind, read before its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

JPEG_START = b'\xff\xd8\xff'

# Start of frame of every kind of JPEG; C4, C8 and CC among them mean something else (T.81, B.1).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_BITS = 8
_FILL, _SCAN = 0xFF, 0xDA


@dataclass(frozen=True)
class JpegHeader:
    """A JPEG's `size_wh` as stored, before any rotation by its EXIF data.

    `size_wh` is None if no frame precedes the scan; `scan_start` is where the pixels begin, after
    segments that may hold a thumbnail of its own, or the end of a cut-off file. `unsupported` says
    what kind of JPEG it is where no decoder for it is at hand, '' for all others.
    """

    size_wh: tuple[int, int] | None
    scan_start: int
    unsupported: str = ''

    @classmethod
    def read(cls, data: bytes) -> JpegHeader:
        """Read segment after segment up to the first scan."""
        position, size_wh, unsupported = 2, None, ''
        while position + 4 <= len(data) and data[position] == 0xFF:
            marker = data[position + 1]
            if marker == _FILL:
                position += 1
                continue
            if marker == _SCAN:
                return cls(size_wh, position, unsupported)
            if marker in _FRAMES and position + 9 <= len(data):
                height = int.from_bytes(data[position + 5 : position + 7], 'big')
                width = int.from_bytes(data[position + 7 : position + 9], 'big')
                size_wh = width, height
                unsupported = _unsupported(marker, bits=data[position + 4])
            position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
        return cls(size_wh, len(data), unsupported)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and content of each segment before the first scan."""
    position = 2
    while position + 4 <= len(data) and data[position] == _FILL:
        marker = data[position + 1]
        if marker == _FILL:
            position += 1
            continue
        if marker == _SCAN:
            return
        length = int.from_bytes(data[position + 2 : position + 4], 'big')
        yield marker, data[position + 4 : position + 2 + length]
        position += 2 + length


def _unsupported(marker: int, *, bits: int) -> str:
    if marker in _LOSSLESS:
        return 'lossless'
    return '' if bits == _BITS else f'of {bits} bits a colour'
