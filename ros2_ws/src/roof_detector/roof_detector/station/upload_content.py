# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The type of an uploaded file, from its first bytes and never from its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roof_detector.inputs.file_kind import Group, kind_of
from roof_detector.station.errors import StationError

# Enough to identify every known format.
HEAD_BYTES = 4096
KNOWN = (
    'JPEG, HEIC, AVIF, PNG, TIFF, WebP, GIF, JPEG 2000 and BMP images, and MP4, MOV, MKV, WebM, '
    'AVI, TS and MPG videos'
)

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
    found = kind_of(head)
    if found.suffix and found.group is Group.IMAGE:
        return Content('image', found.suffix)
    if found.suffix and found.group is Group.VIDEO:
        return Content('video', '.mov' if head[4:10] == b'ftypqt' else found.suffix)
    if found.group in (Group.UNREAD, Group.RAW):
        msg = f'{name} is {found.name}, which cannot be read here. Save it as JPEG.'
        raise StationError(msg, status=415)
    msg = f'{name} is neither an image nor a video by its content. {KNOWN} are accepted.'
    raise StationError(msg, status=415)
