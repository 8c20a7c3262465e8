# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Adapts the EXIF of an image to a copy of the image."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
_SIDES = {0x0100: 0, 0x0101: 1, 0xA002: 0, 0xA003: 1}  # tags of width (0) and height (1)
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_ENTRY_BYTES = 12


def copied_exif(exif: bytes, *, size_wh: tuple[int, int], is_upright: bool) -> bytes:
    """Return EXIF (a TIFF structure) for a copy of its image of another size, b'' for none.

    The thumbnail is removed, because it does not show the copy; the orientation becomes 1 for a
    copy that `is_upright`. Everything else keeps its bytes and offsets: the offsets of makers'
    notes count from the start of the block, so writing it again would lose them. Raises
    struct.error or ValueError for a damaged block.
    """
    if not exif:
        return b''
    block = _Block(bytearray(exif))
    first = block.number('I', 4)
    exif_ifd = 0
    for entry in block.entries(first):
        if entry.tag == _ORIENTATION and is_upright:
            block.set(entry, 1)
        elif entry.tag == _EXIF_IFD:
            exif_ifd = block.value(entry)
        elif entry.tag in _SIDES:
            block.set(entry, size_wh[_SIDES[entry.tag]])
    for entry in block.entries(exif_ifd) if exif_ifd else ():
        if entry.tag in _SIDES:
            block.set(entry, size_wh[_SIDES[entry.tag]])
    return block.without_thumbnail(first)


def has_orientation(exif: bytes) -> bool:
    """Return whether EXIF holds an orientation; raise as `copied_exif` does."""
    if not exif:
        return False
    block = _Block(bytearray(exif))
    return any(entry.tag == _ORIENTATION for entry in block.entries(block.number('I', 4)))


@dataclass(frozen=True)
class _Entry:
    """One entry of a directory; `value_at` is the offset of its value, or of its offset."""

    tag: int
    kind: int
    count: int
    value_at: int


class _Block:
    """A TIFF structure that is changed in place (TIFF 6.0, section 2)."""

    def __init__(self, data: bytearray) -> None:
        orders = {b'II*\0': '<', b'MM\0*': '>'}
        order = orders.get(bytes(data[:4]))
        if order is None:
            msg = 'The EXIF block does not begin as TIFF does.'
            raise ValueError(msg)
        self._data = data
        self._order = order

    def number(self, kind: str, at: int) -> int:
        (value,) = struct.unpack_from(self._order + kind, self._data, at)
        return int(value)

    def entries(self, at: int) -> Iterator[_Entry]:
        for number in range(self.number('H', at)):
            start = at + 2 + _ENTRY_BYTES * number
            tag, kind, count = struct.unpack_from(f'{self._order}HHI', self._data, start)
            yield _Entry(tag, kind, count, start + 8)

    def value(self, entry: _Entry) -> int:
        return self.number('H' if entry.kind == _SHORT else 'I', entry.value_at)

    def set(self, entry: _Entry, value: int) -> None:
        form = {_SHORT: 'H', _LONG: 'I'}.get(entry.kind)
        if entry.count == 1 and form is not None:
            struct.pack_into(self._order + form, self._data, entry.value_at, value)

    def without_thumbnail(self, first: int) -> bytes:
        """Return the block without its second directory and without its pixels."""
        link_at = first + 2 + _ENTRY_BYTES * self.number('H', first)
        second = self.number('I', link_at)
        if not second:
            return bytes(self._data)
        struct.pack_into(f'{self._order}I', self._data, link_at, 0)
        values = {entry.tag: self.value(entry) for entry in self.entries(second)}
        start, length = (values.get(tag, 0) for tag in (_THUMBNAIL_START, _THUMBNAIL_LENGTH))
        end = min(start + length, len(self._data))
        if 0 < start < end:
            if end == len(self._data):
                del self._data[start:]
            else:
                self._data[start:end] = bytes(end - start)
        return bytes(self._data)
