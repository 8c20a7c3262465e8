# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cutting of large images, and their labels, into windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.error import DatasetError
from training.dataset.instance import Floats, Instance, area

if TYPE_CHECKING:
    from collections.abc import Iterator

Window = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the upright image


@dataclass(frozen=True)
class DatasetTiling:
    """The side of a window, the least overlap of two neighbours, and which labels are kept.

    An object that a window's edge cuts keeps its label if at least `least_visible` of its area is
    inside.
    """

    size_px: int
    overlap: float = 0.2
    least_visible: float = 0.35

    def __post_init__(self) -> None:
        if self.size_px < 32:
            msg = f'Tiles of {self.size_px} pixels are too small; give 32 or more.'
            raise DatasetError(msg)
        if not 0 <= self.overlap <= 0.9:
            msg = f'The overlap is {self.overlap}; give a share from 0 to 0.9.'
            raise DatasetError(msg)
        if not 0 < self.least_visible <= 1:
            msg = f'The visible share is {self.least_visible}; give one above 0, up to 1.'
            raise DatasetError(msg)

    def windows(self, region: Window) -> Iterator[Window]:
        """Yield windows that cover a region, row by row, evenly spaced and never beyond it.

        A region narrower than a window gives a window as narrow.
        """
        left, top, right, bottom = region
        for y in self._starts(bottom - top):
            for x in self._starts(right - left):
                yield (
                    left + x,
                    top + y,
                    min(left + x + self.size_px, right),
                    min(top + y + self.size_px, bottom),
                )

    def _starts(self, length: int) -> list[int]:
        if length <= self.size_px:
            return [0]
        count = math.ceil((length - self.size_px) / (self.size_px * (1 - self.overlap))) + 1
        return [round(i * (length - self.size_px) / (count - 1)) for i in range(count)]


def cut(
    instances: tuple[Instance, ...],
    window: Window,
    *,
    size_wh: tuple[int, int],
    least_visible: float,
) -> tuple[Instance, ...]:
    """Return the visible part of the instances in a window, in shares of the window."""
    return tuple(
        made
        for instance in instances
        if (made := _cut_one(instance, window, size_wh, least_visible)) is not None
    )


def _cut_one(
    instance: Instance, window: Window, size_wh: tuple[int, int], least_visible: float
) -> Instance | None:
    left, top, right, bottom = window
    size = np.array(size_wh, dtype=np.float64)
    corner, extent = np.array([left, top]), np.array([right - left, bottom - top])
    box = instance.box_xyxy * np.tile(size, 2)
    inside = np.concatenate([np.maximum(box[:2], corner), np.minimum(box[2:], corner + extent)])
    if (inside[2:] <= inside[:2]).any():
        return None
    if not instance.polygons:
        if np.prod(inside[2:] - inside[:2]) < least_visible * np.prod(box[2:] - box[:2]):
            return None
        shares = (inside - np.tile(corner, 2)) / np.tile(extent, 2)
        return Instance.of_box(instance.class_id, shares, instance.line)
    outlines = [polygon * size for polygon in instance.polygons]
    parts = [part for one in outlines if len(part := clip_polygon(one, window)) >= 3]
    visible = sum(area(part) for part in parts)
    if not visible or visible < least_visible * sum(area(one) for one in outlines):
        return None
    shares = tuple((part - corner) / extent for part in parts if area(part) > 0)
    return Instance.of_polygons(instance.class_id, shares, instance.line)


def clip_polygon(polygon: Floats, window: Window) -> Floats:
    """Return the part (m, 2) of a polygon inside a window, by Sutherland and Hodgman (1974).

    Parts of a concave polygon stay joined along the window's edge; their area is right.
    """
    left, top, right, bottom = window
    for axis, limit, sign in ((0, left, 1), (0, right, -1), (1, top, 1), (1, bottom, -1)):
        kept: list[Floats] = []
        for i in range(len(polygon)):
            before, here = polygon[i - 1], polygon[i]
            was_in, is_in = (sign * (point[axis] - limit) >= 0 for point in (before, here))
            if was_in != is_in:
                share = (limit - before[axis]) / (here[axis] - before[axis])
                kept.append(before + share * (here - before))
            if is_in:
                kept.append(here)
        polygon = np.array(kept, dtype=np.float64).reshape(-1, 2)
    return polygon
