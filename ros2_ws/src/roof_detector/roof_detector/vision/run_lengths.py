# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masks as COCO's run-length encoding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError

_ZERO = 48  # the letter of the group 0
_LONGEST = 10  # groups of five bits: more than an image has pixels


def coco_run_lengths(
    window: tuple[slice, slice], inside: npt.NDArray[np.bool_], *, size_wh: tuple[int, int]
) -> dict[str, object]:
    """Return COCO's compressed run lengths of a mask given within a window of rows and columns.

    Runs go down the columns and begin with pixels outside the mask; only the window's columns are
    read. The string is that of rleToString in COCO's maskApi.c.
    """
    width, height = size_wh
    rows, columns = window
    strip = np.zeros((columns.stop - columns.start, height), dtype=np.bool_)
    strip[:, rows] = inside.T
    edges = np.flatnonzero(np.diff(strip.ravel(), prepend=False)) + columns.start * height
    if strip.size and strip[-1, -1] and columns.stop < width:
        edges = np.append(edges, columns.stop * height)
    counts = np.diff(edges, prepend=0, append=width * height)
    return {'size': [height, width], 'counts': _as_string(counts.tolist())}


def mask_of_run_lengths(counts: str, *, size_wh: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return the mask (height, width) of COCO's compressed run lengths.

    Raises VisionError where they are not those of a mask of this size.
    """
    width, height = size_wh
    runs = check_run_lengths(counts, size_wh=size_wh)
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(values.reshape(width, height).T)


def check_run_lengths(counts: str, *, size_wh: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return the runs of COCO's compressed run lengths, outside the mask first.

    Raises VisionError where they are not those of a mask of this size.
    """
    runs = _counts_of(counts)
    if (runs < 0).any() or int(runs.sum()) != size_wh[0] * size_wh[1]:
        msg = (
            f'The runs of a mask cover {runs.sum()} pixels, expected {size_wh[0]} x {size_wh[1]}.'
        )
        raise VisionError(msg)
    return runs


def _as_string(counts: list[int]) -> str:
    """Encode each count, from the fourth on minus the one two before, in groups of five bits."""
    letters = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            letters.append(chr((group | 0x20 if more else group) + _ZERO))
    return ''.join(letters)


def _counts_of(text: str) -> npt.NDArray[np.int64]:
    """Return the counts that `_as_string` encoded, as rleFrString of maskApi.c does."""
    groups = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - _ZERO
    if not len(groups):
        return np.zeros(0, np.int64)
    last = (groups & 0x20) == 0
    if groups.min() < 0 or groups.max() > 0x3F or not last[-1]:
        msg = f'{text[:40]!r} is no run-length encoding of a mask.'
        raise VisionError(msg)
    firsts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    lengths = np.diff(firsts, append=len(groups))
    if lengths.max() > _LONGEST:
        msg = f'{text[:40]!r} is no run-length encoding of a mask: a number has too many digits.'
        raise VisionError(msg)
    place = np.arange(len(groups)) - np.repeat(firsts, lengths)
    values = np.add.reduceat((groups & 0x1F) << (5 * place), firsts)
    values -= np.where(groups[last] & 0x10, np.int64(1) << (5 * lengths), 0)  # two's complement
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return np.asarray(values)
