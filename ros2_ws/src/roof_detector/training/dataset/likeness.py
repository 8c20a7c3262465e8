# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The search for images that show the same, also rotated, mirrored, resized or recompressed.

An image's perceptual hash is the signs of its low cosine frequencies. Mirroring flips the signs of
odd frequencies and transposing swaps the axes, so that all eight poses of one image are compared
without touching pixels: training uses a nadir view in every pose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_FREQUENCIES = 8
_BITS = _FREQUENCIES**2 - 1
# Candidates differ in at most this many of 63 signs; then the thumbnails decide.
_MOST_BITS_APART = 14
_LEAST_CORRELATION = 0.96
_LEAST_CONTRAST = 1.0  # grey levels; images of one colour have nothing to compare
_ROWS = 1024

Thumbnails = Sequence[npt.NDArray[np.uint8] | None]


def alike(
    thumbnails: Thumbnails, *, least_correlation: float = _LEAST_CORRELATION
) -> Iterator[tuple[int, int]]:
    """Yield the pairs i < j of grey thumbnails (n, n) that show the same."""
    usable = {
        i: one
        for i, one in enumerate(thumbnails)
        if one is not None and one.std() > _LEAST_CONTRAST
    }
    if len(usable) < 2:
        return
    place = list(usable)
    grey = np.stack(list(usable.values())).astype(np.float32)
    blocks = np.stack([cv2.dct(one)[:_FREQUENCIES, :_FREQUENCIES] for one in grey])
    signs = _signs(blocks)
    poses = [(turn, _signs(_posed(blocks, turn))) for turn in range(8)]
    grey -= grey.mean((1, 2), keepdims=True)
    grey /= np.linalg.norm(grey, axis=(1, 2), keepdims=True)
    for start in range(0, len(usable), _ROWS):
        seen: set[tuple[int, int]] = set()
        for turn, posed in poses:
            apart = (_BITS - signs[start : start + _ROWS] @ posed.T) / 2
            rows, columns = np.nonzero(apart <= _MOST_BITS_APART)
            for i, j in zip((rows + start).tolist(), columns.tolist(), strict=True):
                if i >= j or (i, j) in seen:
                    continue
                if float(np.vdot(grey[i], _posed(grey[j], turn))) >= least_correlation:
                    seen.add((i, j))
        yield from sorted((place[i], place[j]) for i, j in seen)


def _signs(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the signs (n, 63) of the frequencies without the mean."""
    return np.where(blocks.reshape(len(blocks), -1)[:, 1:] > 0, np.float32(1), np.float32(-1))


def _posed(values: npt.NDArray[np.float32], turn: int) -> npt.NDArray[Any]:
    """Return thumbnails (..., 32, 32) or frequencies (n, 8, 8) in one of eight poses."""
    mirror_x, mirror_y, swap = turn & 1, turn & 2, turn & 4
    if swap:
        values = np.swapaxes(values, -1, -2)
    if values.shape[-1] == _FREQUENCIES:
        odd = np.where(np.arange(_FREQUENCIES) % 2, np.float32(-1), np.float32(1))
        values = values * (odd if mirror_x else 1)
        return values * (odd[:, None] if mirror_y else 1)
    values = values[..., ::-1] if mirror_x else values
    return values[..., ::-1, :] if mirror_y else values
