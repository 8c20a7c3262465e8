# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The type of an uploaded file, from its first bytes and never from its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roof_detector.station.errors import StationError

# Enough to identify every known format.
HEAD_BYTES = 4096
_STARTS: tuple[tuple[bytes, Kind, str], ...] = (
    (b'\xff\xd8\xff', 'image', '.jpg'),
    (b'\x89PNG\r\n\x1a\n', 'image', '.png'),
    (b'BM', 'image', '.bmp'),
    (b'II*\0', 'image', '.tif'),
    (b'MM\0*', 'image', '.tif'),
    (b'\x1aE\xdf\xa3', 'video', '.mkv'),
    (b'\0\0\1\xba', 'video', '.mpg'),
    (b'FLV\1', 'video', '.flv'),
)
_RIFFS: dict[bytes, tuple[Kind, str]] = {b'WEBP': ('image', '.webp'), b'AVI ': ('video', '.avi')}
_STILLS = (b'heic', b'heix', b'mif1', b'msf1', b'avif')
_TS_PACKET_BYTES, _TS_SYNC = 188, b'G'
KNOWN = 'JPEG, PNG, BMP, TIFF and WebP images, and MP4, MOV, MKV, WebM, AVI, TS and MPG videos'

Kind = Literal['image', 'video']


@dataclass(frozen=True)
class Content:
    """The kind of a file and the usual suffix of its format."""

    kind: Kind
    suffix: str


def recognise(head: bytes, *, name: str) -> Content:
    """Return the type of a file from its first bytes; raise StationError if it is unknown."""
    if not head:
        msg = f'{name} is empty (0 bytes); was it copied completely?'
        raise StationError(msg, status=415)
    for start, kind, suffix in _STARTS:
        if head.startswith(start):
            return Content(kind, suffix)
    if head[:4] == b'RIFF' and head[8:12] in _RIFFS:
        return Content(*_RIFFS[head[8:12]])
    if head[4:8] == b'ftyp':
        if head[8:12] in _STILLS:
            msg = f'{name} is a HEIC or AVIF image, which cannot be read here. Save it as JPEG.'
            raise StationError(msg, status=415)
        return Content('video', '.mov' if head[8:10] == b'qt' else '.mp4')
    packets = head[: 3 * _TS_PACKET_BYTES : _TS_PACKET_BYTES]
    if len(head) > 2 * _TS_PACKET_BYTES and packets == 3 * _TS_SYNC:
        return Content('video', '.ts')
    msg = f'{name} is neither an image nor a video by its content. {KNOWN} are accepted.'
    raise StationError(msg, status=415)
