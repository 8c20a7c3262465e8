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
_FEW = 0.02  # a share of all pairs; noise has more, which are told apart by their signs

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
    grey -= grey.mean((1, 2), keepdims=True)
    grey /= np.linalg.norm(grey, axis=(1, 2), keepdims=True)
    blocks = np.stack([cv2.dct(one)[:_FREQUENCIES, :_FREQUENCIES] for one in grey])
    poses = [_posed(blocks, turn) for turn in range(8)]
    any_pose = _bounding(_pose_free(blocks))
    bounds = [_bounding(posed) for posed in poses]
    for start in range(0, len(usable), _ROWS):
        seen: set[tuple[int, int]] = set()
        # Nearly all pairs end here: one product bounds the correlations in all eight poses.
        near = any_pose[start : start + _ROWS] @ any_pose[start:].T >= least_correlation
        few = np.nonzero(near) if near.mean() < _FEW else None
        for turn, bound in enumerate(bounds):
            rows = bounds[0][start : start + _ROWS]
            i, j = few or np.nonzero(rows @ bound[start:].T >= least_correlation)
            ahead = i < j
            i, j = i[ahead] + start, j[ahead] + start
            for begin in range(0, len(i), _ROWS):
                one, other = i[begin : begin + _ROWS], j[begin : begin + _ROWS]
                apart = (_signs(blocks[one]) != _signs(poses[turn][other])).sum(1)
                close = apart <= _MOST_BITS_APART
                one, other = one[close], other[close]
                match = np.einsum('nij,nij->n', grey[one], _posed(grey[other], turn))
                same = match >= least_correlation
                seen.update(zip(one[same].tolist(), other[same].tolist(), strict=True))
        yield from sorted((place[i], place[j]) for i, j in seen)


def _pose_free(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return frequencies (n, 8, 8) that are the same in every pose of an image.

    Products of amounts are no less than those of signed values, and those of sorted pairs no less
    than those of any other order (rearrangement inequality).
    """
    amounts = np.abs(blocks)
    turned = np.swapaxes(amounts, 1, 2)
    lower = np.tri(_FREQUENCIES, dtype=bool)
    return np.where(lower, np.minimum(amounts, turned), np.maximum(amounts, turned))


def _bounding(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return vectors (n, 65) whose products are no less than the correlations of the thumbnails.

    The cosine transform keeps scalar products. Of two vectors of length 1 the low frequencies
    multiply as they are, and the others at most as their lengths do (Cauchy-Schwarz).
    """
    low = blocks.reshape(len(blocks), -1)
    rest = np.sqrt(np.clip(1 - (low**2).sum(1, keepdims=True), 0, None))
    # A little more, for the sums are rounded.
    return np.concatenate([low, rest + np.float32(1e-3)], axis=1).astype(np.float32, copy=False)


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
