# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Raw photos: their full-size JPEG preview is read where they hold one, else they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inputs.tiff_header import Photometric, Tag, TiffPage, read_pages, sub_pages
from roof_detector.vision.errors import UnsupportedEncoding, VisionError
from roof_detector.vision.jpeg_header import JPEG_START, JpegHeader

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW_SUFFIXES = (
    *('.dng', '.cr2', '.cr3', '.nef', '.nrw', '.arw', '.sr2', '.raf', '.rw2', '.orf', '.pef'),
    *('.srw', '.3fr', '.iiq', '.gpr', '.x3f'),
)
# A preview counts as the photo where it is as wide as this share of the raw pixels.
_FULL = 0.9
_SENSOR = (Photometric.CFA, Photometric.LINEAR_RAW)


def is_raw_tiff(data: bytes) -> bool:
    """Return whether a TIFF is a raw photo such as a DNG."""
    try:
        pages = read_pages(data)
    except VisionError:
        return False
    every = [*pages, *(one for page in pages for one in sub_pages(data, page))]
    return any(
        Tag.DNG_VERSION in page.tags or int(page.number(Tag.PHOTOMETRIC, -1)) in _SENSOR
        for page in every
    )


def raw_preview(data: bytes, kind: str) -> tuple[bytes, int, str]:
    """Return the JPEG preview of a raw photo, its EXIF orientation, and a note.

    Raises UnsupportedEncoding where it holds none of full size.
    """
    previews = sorted(_previews(data), key=lambda one: one[0])
    wanted = _raw_width(data) * _FULL
    if previews and (width := previews[-1][0]) >= max(wanted, 1):
        orientation = int(read_pages(data)[0].number(Tag.ORIENTATION, 1))
        note = f'is a raw photo ({kind}); its JPEG preview of {width} pixels width is looked at'
        return previews[-1][1], orientation, note
    held = f'its largest preview is {previews[-1][0]} pixels wide' if previews else 'it holds none'
    msg = (
        f'It is a raw photo ({kind}), which is read by its full-size JPEG preview alone, and '
        f'{held}; develop it to JPEG or TIFF, or have the camera write JPEG beside it.'
    )
    raise UnsupportedEncoding(msg)


def _pages(data: bytes) -> Iterator[TiffPage]:
    if data[:4] not in (b'II*\0', b'MM\0*'):
        return
    try:
        for page in read_pages(data):
            yield page
            yield from sub_pages(data, page)
    except VisionError:
        return


def _raw_width(data: bytes) -> int:
    widths = [
        page.size_wh[0]
        for page in _pages(data)
        if int(page.number(Tag.PHOTOMETRIC, -1)) in _SENSOR or not page.is_reduced
    ]
    return max(widths, default=0)


def _previews(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield width and bytes of each JPEG that a raw photo holds as a whole."""
    for page in _pages(data):
        for offset, size in (
            (Tag.JPEG_OFFSET, Tag.JPEG_BYTES),
            (Tag.STRIP_OFFSETS, Tag.STRIP_BYTES),
        ):
            if int(page.number(Tag.PHOTOMETRIC, -1)) in _SENSOR:
                continue
            if len(page.tags.get(offset, ())) != 1 or size not in page.tags:
                continue
            begin = int(page.number(offset))
            jpeg = data[begin : begin + int(page.number(size))]
            if jpeg.startswith(JPEG_START):
                header = JpegHeader.read(jpeg)
                if header.size_wh is not None and not header.unsupported:
                    yield header.size_wh[0], jpeg
