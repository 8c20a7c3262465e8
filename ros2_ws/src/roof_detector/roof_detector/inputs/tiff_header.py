# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The pages of a TIFF or BigTIFF and their tags, read without decoding a pixel (TIFF 6.0)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.vision.errors import BadJpeg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MOST_PAGES = 10_000
_NUMPY_TYPES = {
    **{1: 'u1', 2: 'u1', 3: 'u2', 4: 'u4', 5: 'u4', 6: 'i1', 7: 'u1', 8: 'i2', 9: 'i4'},
    **{10: 'i4', 11: 'f4', 12: 'f8', 13: 'u4', 16: 'u8', 17: 'i8', 18: 'u8'},
}
_RATIONALS = (5, 10)  # two numbers each


class Photometric(IntEnum):
    """How values are meant (tag 262)."""

    WHITE_IS_ZERO = 0
    BLACK_IS_ZERO = 1
    RGB = 2
    PALETTE = 3
    MASK = 4
    CMYK = 5
    YCBCR = 6
    CIELAB = 8
    CFA = 32803
    LINEAR_RAW = 34892


class Tag(IntEnum):
    """The tags that are used here."""

    SUBFILE = 254
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
    STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_BYTES = 273, 274, 277, 279
    MIN_SAMPLE, MAX_SAMPLE, PLANAR = 280, 281, 284
    TILE_OFFSETS, TILE_BYTES, SUB_PAGES = 324, 325, 330
    SAMPLE_FORMAT, S_MIN_SAMPLE, S_MAX_SAMPLE = 339, 340, 341
    JPEG_OFFSET, JPEG_BYTES = 513, 514
    DNG_VERSION = 50706


@dataclass(frozen=True)
class TiffPage:
    """One page: its tags as arrays of numbers, by number."""

    tags: Mapping[int, NDArray[np.generic]] = field(default_factory=dict)

    def number(self, tag: Tag, default: float = 0) -> float:
        """Return the first number of a tag."""
        values = self.tags.get(tag)
        return default if values is None or not len(values) else float(values[0])

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return the width and height as stored."""
        return int(self.number(Tag.WIDTH)), int(self.number(Tag.HEIGHT))

    @property
    def bits(self) -> int:
        """Return the bits of a sample."""
        return int(self.number(Tag.BITS, 1))

    @property
    def samples(self) -> int:
        """Return the number of samples of a pixel."""
        return int(self.number(Tag.SAMPLES, 1))

    @property
    def is_reduced(self) -> bool:
        """Return whether the page is a smaller copy, or a mask, of another one."""
        return bool(int(self.number(Tag.SUBFILE)) & 0b101)

    @property
    def end(self) -> int:
        """Return the offset behind the last byte of the pixels."""
        for offsets, sizes in (
            (Tag.TILE_OFFSETS, Tag.TILE_BYTES),
            (Tag.STRIP_OFFSETS, Tag.STRIP_BYTES),
        ):
            begins, lengths = self.tags.get(offsets), self.tags.get(sizes)
            if begins is not None and lengths is not None and len(begins) == len(lengths) > 0:
                ends = begins.astype(np.uint64) + lengths.astype(np.uint64)
                return int(ends[lengths.astype(np.uint64) > 0].max(initial=0))
        return 0

    @property
    def declared_range(self) -> tuple[float, float] | None:
        """Return the range of values that the page states, None if it states none."""
        for low, high in (
            (Tag.S_MIN_SAMPLE, Tag.S_MAX_SAMPLE),
            (Tag.MIN_SAMPLE, Tag.MAX_SAMPLE),
        ):
            if high in self.tags:
                least, most = self.number(low), self.number(high)
                if np.isfinite([least, most]).all() and least < most:
                    return least, most
        return None


def read_pages(data: bytes) -> list[TiffPage]:
    """Return the pages in their order; raise BadJpeg for a damaged or cut-off file."""
    order = {b'II': '<', b'MM': '>'}[data[:2]]
    try:
        is_big = struct.unpack_from(f'{order}H', data, 2)[0] == 43
        (offset,) = struct.unpack_from(
            f'{order}Q' if is_big else f'{order}I', data, 8 if is_big else 4
        )
        pages: list[TiffPage] = []
        seen: set[int] = set()
        while offset and offset not in seen and len(pages) < _MOST_PAGES:
            seen.add(offset)
            page, offset = _page(data, offset, order, is_big=is_big)
            pages.append(page)
    except struct.error as error:
        msg = f'The TIFF of {len(data)} bytes is cut short: its directory of tags is missing.'
        raise BadJpeg(msg) from error
    if not pages:
        msg = f'The TIFF of {len(data)} bytes holds no page.'
        raise BadJpeg(msg)
    return pages


def sub_pages(data: bytes, page: TiffPage) -> list[TiffPage]:
    """Return the pages below a page (tag SubIFDs), where raw photos keep their pixels."""
    order = {b'II': '<', b'MM': '>'}[data[:2]]
    is_big = struct.unpack_from(f'{order}H', data, 2)[0] == 43
    found = []
    for offset in page.tags.get(Tag.SUB_PAGES, np.zeros(0, np.uint32))[:64]:
        try:
            found.append(_page(data, int(offset), order, is_big=is_big)[0])
        except struct.error:
            continue
    return found


def _page(data: bytes, offset: int, order: str, *, is_big: bool) -> tuple[TiffPage, int]:
    """Return the page at an offset, and the offset of the next one."""
    if offset >= len(data):
        msg = 'a directory lies behind the end of the file'
        raise struct.error(msg)
    (count,) = struct.unpack_from(f'{order}Q' if is_big else f'{order}H', data, offset)
    begin = offset + (8 if is_big else 2)
    entry = struct.Struct(f'{order}HHQ8s' if is_big else f'{order}HHI4s')
    if count > len(data) // entry.size:
        msg = 'a directory is longer than the file'
        raise struct.error(msg)
    wanted = frozenset(Tag)
    tags: dict[int, NDArray[np.generic]] = {}
    for number in range(count):
        tag, kind, length, inline = entry.unpack_from(data, begin + number * entry.size)
        if tag not in wanted or kind not in _NUMPY_TYPES:
            continue
        dtype = np.dtype(f'{order}{_NUMPY_TYPES[kind]}')
        length *= 2 if kind in _RATIONALS else 1
        size = length * dtype.itemsize
        if size <= len(inline):
            values = np.frombuffer(inline[:size], dtype)
        else:
            (at,) = struct.unpack(f'{order}Q' if is_big else f'{order}I', inline)
            if at + size > len(data):
                msg = 'a tag lies behind the end of the file'
                raise struct.error(msg)
            values = np.frombuffer(data, dtype, length, at)
        tags[tag] = values
    end = begin + count * entry.size
    (following,) = struct.unpack_from(f'{order}Q' if is_big else f'{order}I', data, end)
    return TiffPage(tags), int(following)
