# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What an uploaded file is, told from how it begins and never from its name."""

from __future__ import annotations

from dataclasses import dataclass

from roof_detector.station.errors import StationError

# No format that is known here needs more to be told apart.
HEAD_BYTES = 4096
_STARTS = (
    (b'\xff\xd8\xff', 'picture', '.jpg'),
    (b'\x89PNG\r\n\x1a\n', 'picture', '.png'),
    (b'BM', 'picture', '.bmp'),
    (b'II*\0', 'picture', '.tif'),
    (b'MM\0*', 'picture', '.tif'),
    (b'\x1aE\xdf\xa3', 'video', '.mkv'),
    (b'\0\0\1\xba', 'video', '.mpg'),
    (b'FLV\1', 'video', '.flv'),
)
_RIFFS = {b'WEBP': ('picture', '.webp'), b'AVI ': ('video', '.avi')}
_STILLS = (b'heic', b'heix', b'mif1', b'msf1', b'avif')
_TS_PACKET_BYTES, _TS_SYNC = 188, b'G'
KNOWN = 'JPEG, PNG, BMP, TIFF and WebP pictures, and MP4, MOV, MKV, WebM, AVI, TS and MPG videos'


@dataclass(frozen=True)
class Content:
    """Say whether a file is a picture or a video, and with which suffix programs know it."""

    kind: str
    suffix: str


def recognise(head: bytes, *, name: str) -> Content:
    """Tell what a file is from its first bytes; raise StationError where it is neither."""
    if not head:
        raise StationError(f'{name} is empty (0 bytes); was it copied to its end?', status=415)
    for start, kind, suffix in _STARTS:
        if head.startswith(start):
            return Content(kind, suffix)
    if head[:4] == b'RIFF' and head[8:12] in _RIFFS:
        return Content(*_RIFFS[head[8:12]])
    if head[4:8] == b'ftyp':
        if head[8:12] in _STILLS:
            raise StationError(
                f'{name} is a HEIC or AVIF picture, which is not read here. Save it as JPEG.',
                status=415,
            )
        return Content('video', '.mov' if head[8:10] == b'qt' else '.mp4')
    packets = head[: 3 * _TS_PACKET_BYTES : _TS_PACKET_BYTES]
    if len(head) > 2 * _TS_PACKET_BYTES and packets == 3 * _TS_SYNC:
        return Content('video', '.ts')
    raise StationError(
        f'{name} is neither a picture nor a video, whatever its name says. {KNOWN} are taken.',
        status=415,
    )
