# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds out whether the pixels of a JPEG were overwritten, as on cards that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.vision.errors import BadJpeg
from roof_detector.vision.jpeg_header import JpegHeader, jpeg_segments

if TYPE_CHECKING:
    from collections.abc import Iterator

# A sector of a card.
_SECTOR = 512
_END = b'\xff\xd9'
_TABLES, _BASELINE = 0xC4, (0xC0, 0xC1)
_END_OF_BLOCK = 0x00


def check_scan(data: bytes) -> None:
    """Raise BadJpeg where a whole sector of a JPEG's pixels is empty.

    Decoders show something for it and say nothing. Bits that are all 1 are no code of any table.
    Those that are all 0 are the pixels of a flat image where they are the code for the end of a
    block in all of its tables; otherwise they would be the same coefficients thousands of times.
    """
    begin = JpegHeader.read(data).scan_start
    end = data.find(_END, begin)
    end = end if end > 0 else len(data)
    place = data.find(b'\xff' * _SECTOR, begin, end)
    if place < 0 and not _zeros_are_flat(data):
        place = data.find(bytes(_SECTOR), begin, end)
    if place >= 0:
        msg = (
            f'The JPEG of {len(data)} bytes is damaged: from byte {place} its pixels are empty, '
            'as where a memory card fails; copy it again.'
        )
        raise BadJpeg(msg)


def _zeros_are_flat(data: bytes) -> bool:
    """Return whether bits that are all 0 can be flat pixels; True where that is not known."""
    markers = [marker for marker, _ in jpeg_segments(data)]
    if not set(markers).intersection(_BASELINE):
        return True  # progressive: its later scans have tables of their own
    firsts = list(_first_symbols(data))
    return not firsts or all(symbol == _END_OF_BLOCK for symbol in firsts)


def _first_symbols(data: bytes) -> Iterator[int]:
    """Yield what the code of zeros means in each table for coefficients (T.81, B.2.4.2)."""
    for marker, content in jpeg_segments(data):
        at = 0
        while marker == _TABLES and at + 17 < len(content):
            count = sum(content[at + 1 : at + 17])
            if content[at] >> 4:  # of AC coefficients
                yield content[at + 17]
            at += 17 + count
