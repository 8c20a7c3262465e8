# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The origin of an image, as its file name tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Roboflow: NAME_jpg.rf.HASH.jpg for the upload NAME.jpg; each augmented copy has its own hash.
_ROBOFLOW = re.compile(r'(?:[._-](?:jpe?g|png|bmp|tiff?|webp))?\.rf\.[0-9A-Za-z]{8,}$', re.I)
_FRAME = re.compile(r'^(?P<of>.+?)[-_ .]*(?:frame|frm|img|image)?[-_ .]*(?P<number>\d+)$', re.I)
_SAYS_VIDEO = re.compile(
    r'(?:^|[-_ .])(?:mp4|mov|avi|mkv|m4v|video|clip|frames?)(?:$|[-_ .\d])', re.I
)
_TILE = re.compile(r'^(?P<of>.+)_x(?P<x>\d+)_y(?P<y>\d+)$')


@dataclass(frozen=True, kw_only=True)
class SourceName:
    """The parts of a name: the uploaded image, its video and its place there, if given.

    `tile_xy` is the upper left corner of a tile in the image named `video`; `is_copy` means that
    the name is Roboflow's for a copy of an upload, of which there may be several.
    """

    source: str
    video: str | None = None
    number: int | None = None
    tile_xy: tuple[int, int] | None = None
    is_copy: bool = False

    @classmethod
    def of(cls, image_path: Path) -> SourceName:
        """Return the parts of an image's name."""
        source = _ROBOFLOW.sub('', image_path.stem)
        is_copy = source != image_path.stem
        if tile := _TILE.match(source):
            corner_xy = int(tile['x']), int(tile['y'])
            return cls(
                source=source, video=tile['of'], number=None, tile_xy=corner_xy, is_copy=is_copy
            )
        frame = _FRAME.match(source)
        if frame is None:
            return cls(source=source, is_copy=is_copy)
        stem, number = frame['of'], int(frame['number'])
        named = source[: frame.start('number')]
        # roof_12 is a numbered image; DJI_0001_frame_000123 and a-mp4-12 are frames of a video.
        if _SAYS_VIDEO.search(named) or re.search(r'\d{3,}$', stem):
            return cls(source=source, video=stem, number=number, is_copy=is_copy)
        return cls(source=source, video=None, number=number, is_copy=is_copy)
