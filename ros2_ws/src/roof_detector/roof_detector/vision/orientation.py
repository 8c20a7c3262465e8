# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Turns stored pixels upright: by EXIF's orientation, or by a video's display matrix."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPRIGHT = 1
# By EXIF orientation (CIPA DC-008, 4.6.5): quarter turns anticlockwise, then mirrored or not.
TURNS = {
    **{1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True)},
    **{5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)},
}
_ORIENTATION = 0x0112
_MATRIX_BYTES = 36
# (a, b, c, d) of a display matrix, where x' = a x + c y and y' = b x + d y with y down.
_OF_MATRIX = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return stored pixels (height, width, ...) as they are shown; unknown numbers change nothing.

    `orientation` is EXIF's, 1 to 8.
    """
    turns, mirrored = TURNS.get(orientation, (0, False))
    if not turns and not mirrored:
        return pixels
    shown = np.rot90(pixels, turns)
    return np.ascontiguousarray(shown[:, ::-1] if mirrored else shown)


def exif_orientation(exif: bytes) -> int:
    """Return the orientation in a block of EXIF (a TIFF structure), 1 where it has none."""
    block = exif.removeprefix(b'Exif\0\0')
    order = {b'II': '<', b'MM': '>'}.get(block[:2])
    try:
        if order is None:
            return UPRIGHT
        (first,) = struct.unpack_from(f'{order}I', block, 4)
        (count,) = struct.unpack_from(f'{order}H', block, first)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(f'{order}HHIH', block, first + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return int(value) if value in TURNS else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def matrix_orientation(matrix: bytes) -> int:
    """Return EXIF's orientation of a display matrix (ISO 14496-12, 8.3.2), nearest quarter turn.

    `matrix` is nine int32 in the byte order of this machine, as FFmpeg gives them.
    """
    if len(matrix) < _MATRIX_BYTES:
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack('=9i', matrix[:_MATRIX_BYTES])
    largest = max(abs(a), abs(b), abs(c), abs(d))
    if not largest:
        return UPRIGHT
    key = tuple(round(value / largest) for value in (a, b, c, d))
    return _OF_MATRIX.get(key, UPRIGHT)
