# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decodes what a sensor_msgs/CompressedImage holds, live and recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from roof_detector.inputs.file_kind import JPEG, PNG, Group, kind_of
from roof_detector.inputs.image_decoding import decode_bytes
from roof_detector.vision.encodings import decode_for, decode_jpeg
from roof_detector.vision.errors import UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.vision.encodings import Buffer

    NeededSize = Callable[[tuple[int, int]], tuple[int, int]]

_HEAD_BYTES = 512
# What compressed_depth_image_transport writes in front of its PNG or RVL: a header of 12 bytes.
_DEPTH = re.compile(r'compressed[\s_]?depth|\brvl\b', re.IGNORECASE)
_VIDEO = re.compile(r'\b(h\.?26[45]|hevc|avc|av1|vp[89]|theora|mpeg[24]?)\b', re.IGNORECASE)


def decode_compressed(
    data: Buffer, encoding: str, *, needed_wh: NeededSize | None = None
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decode to (height, width, 3) BGR as stored; return it with the image's full width, height.

    `encoding` is the message's `format`, which publishers fill as they like: what the bytes are
    decides, and `encoding` tells only what cannot be told from them. `needed_wh` returns the
    smallest useful size of a full one: a JPEG is decoded no larger than need be. Raises
    VisionError: for depth images and packets of video by their name.
    """
    check_format(encoding)
    kind = kind_of(bytes(data[:_HEAD_BYTES]))
    if kind.group is Group.IMAGE and kind not in (JPEG, PNG):
        image_bgr = decode_bytes(bytes(data), turned=False).image_bgr
    elif needed_wh is not None:
        return decode_for(data, needed_wh)
    else:
        image_bgr = decode_jpeg(data)
    return image_bgr, (image_bgr.shape[1], image_bgr.shape[0])


def check_format(encoding: str) -> None:
    """Raise UnsupportedEncoding for a format that is not an image of a camera."""
    if _DEPTH.search(encoding):
        msg = (
            f'The compressed image is a depth image ({encoding!r}), whose values are distances '
            "and not colours; use the camera's colour image, whose topic ends in /compressed."
        )
        raise UnsupportedEncoding(msg)
    video = _VIDEO.search(encoding)
    if video:
        msg = (
            f'The compressed image is a packet of {video[1]} video ({encoding!r}), which cannot '
            'be decoded without those before it; let the camera publish JPEG, or raw images.'
        )
        raise UnsupportedEncoding(msg)
