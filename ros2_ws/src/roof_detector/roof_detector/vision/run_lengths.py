# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masks as COCO's run-length encoding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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
            letters.append(chr((group | 0x20 if more else group) + 48))
    return ''.join(letters)
