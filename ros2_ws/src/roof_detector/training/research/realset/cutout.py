# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A crack or a piece of rust, cut out of one photograph and laid on the surface of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from training.dataset.instance import Floats
    from training.research.realset.photo import Image, Photo

Mask = npt.NDArray[np.float32]
_DARKER = 0.80  # a crack is darker than its surroundings by a fifth or more
_LEAST_COVER = 0.004
_MOST_CRACK = 0.3
_LEAST_RUST = 0.25
_SOFT_PX = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Cutout:
    """An object's pixels (h, w, 3), how much each is of it, and how far it darkens its surface.

    Laid on another surface a crack darkens that by the same ratio, so that one in shaded asphalt
    is one in sunlit concrete too. Where `ratio_bgr` is None, as for rust, it keeps its own colour.
    """

    own_bgr: Image
    cover: Mask
    ratio_bgr: Mask | None = None

    def lay(self, image_bgr: Image, x: int, y: int) -> Floats:
        """Lay the object into an image, in place, and return the box of what is seen of it."""
        height, width = self.cover.shape
        place = image_bgr[y : y + height, x : x + width].astype(np.float32)
        laid = self.own_bgr.astype(np.float32)
        if self.ratio_bgr is not None:
            laid = place * self.ratio_bgr
        cover = self.cover[..., None]
        mixed = place * (1 - cover) + laid * cover
        image_bgr[y : y + height, x : x + width] = np.clip(mixed, 0, 255).astype(np.uint8)
        rows, columns = np.nonzero(self.cover > 0.3)
        low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
        return np.array([x + low[0], y + low[1], x + high[0], y + high[1]], dtype=np.float64)


def crack_cutouts(photo: Photo) -> list[Cutout]:
    """Return the cracks of a photo whose lines can be told from their surface.

    The line is what is darker than the median of its neighbourhood by `_DARKER`, without specks.
    """
    blurred = cv2.medianBlur(photo.image_bgr, 31).astype(np.float32)
    ratio = np.minimum(photo.image_bgr.astype(np.float32) / np.maximum(blurred, 1), 1.15)
    grey = cv2.GaussianBlur(ratio.mean(axis=2), (0, 0), 1.0)
    dark = _largest((grey < _DARKER).astype(np.uint8))
    found = []
    for window in _windows(photo):
        line = dark[window]
        if line.size and _LEAST_COVER < line.mean() < _MOST_CRACK and _spans(line):
            wider = cv2.dilate(line, np.ones((3, 3))).astype(np.uint8)
            cover = _softened(wider)
            own = photo.image_bgr[window].copy()
            found.append(Cutout(own_bgr=own, cover=cover, ratio_bgr=ratio[window].copy()))
    return found


def rust_cutouts(photo: Photo) -> list[Cutout]:
    """Return the pieces of rust of a photo, by their colour: red to orange, and not pale."""
    hsv = cv2.cvtColor(photo.image_bgr, cv2.COLOR_BGR2HSV).astype(np.int32)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    brown = ((hue < 20) | (hue > 170)) & (saturation > 55) & (value > 25) & (value < 190)
    smooth = cv2.morphologyEx(brown.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7))).astype(
        np.uint8
    )
    found = []
    for window in _windows(photo):
        piece = smooth[window]
        if piece.size and piece.mean() > _LEAST_RUST:
            cover = _softened(_largest(piece))
            if (cover > 0.3).any():
                own = photo.image_bgr[window].copy()
                found.append(Cutout(own_bgr=own, cover=cover))
    return found


def _softened(mask: npt.NDArray[np.uint8]) -> Mask:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SOFT_PX).astype(np.float32)


def _windows(photo: Photo) -> list[tuple[slice, slice]]:
    corners = np.round(np.maximum(photo.boxes_xyxy, 0)).astype(int)
    return [(slice(y1, y2), slice(x1, x2)) for x1, y1, x2, y2 in corners]


def _largest(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a mask without specks: parts of at least a sixth of the largest one's size."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return mask
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.isin(labels, np.nonzero(areas >= areas.max() / 6)[0]).astype(np.uint8)


def _spans(line: npt.NDArray[np.uint8]) -> bool:
    """Return whether a mask reaches over most of its longer side, as the labelled crack does."""
    along = line.any(axis=0 if line.shape[1] >= line.shape[0] else 1)
    return bool(along.mean() > 0.6)
