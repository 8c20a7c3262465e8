# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Outlines of masks, and the merging of several outlines into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.dataset.instance import Floats

_MOST_PIECES = 12  # more pieces of a mask than these are specks
_MOST_POINTS = 400  # of one piece; joining compares every pair of points


def mask_polygons(mask: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
    """Return the outer outlines (n, 2) in pixels of a mask's parts, largest first.

    Holes are filled: the labels this project trains on have none.
    """
    contours, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    # A contour runs through the middles of its pixels.
    pieces = [contour[:, 0].astype(np.float64) + 0.5 for contour in contours if len(contour) >= 3]
    return tuple(sorted(pieces, key=len, reverse=True))


def joined(polygons: Sequence[Floats]) -> Floats:
    """Return one outline (n, 2) around all of them, which runs forth and back along thin bridges.

    A YOLO line holds one outline; an object that another one covers in part has several.
    """
    outline = _thinned(polygons[0])
    for polygon in polygons[1:_MOST_PIECES]:
        piece = _thinned(polygon)
        gaps = np.linalg.norm(outline[:, None] - piece[None], axis=2)
        i, j = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        loop = np.concatenate([piece[j:], piece[: j + 1]])
        outline = np.concatenate([outline[: i + 1], loop, outline[i:]])
    return outline


def _thinned(polygon: Floats) -> Floats:
    if len(polygon) <= _MOST_POINTS:
        return polygon
    return polygon[np.linspace(0, len(polygon) - 1, _MOST_POINTS).astype(int)]
