# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One labelled object in an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = npt.NDArray[np.float64]

# Labels are written with few digits; a thousandth is less than a pixel at training size.
ROUNDING = 1e-3


@dataclass(frozen=True, eq=False, kw_only=True)
class Instance:
    """A class, a box and, if labelled, the outlines of an object's visible parts.

    `box_xyxy` (4,) and each polygon (n, 2) are shares 0..1 of the image's width and height, x to
    the right, y down. `line` is the line of its label in its file, 0 if unknown.
    """

    class_id: int
    box_xyxy: Floats
    polygons: tuple[Floats, ...] = ()
    line: int = 0

    @classmethod
    def of_polygons(cls, class_id: int, polygons: tuple[Floats, ...], line: int = 0) -> Instance:
        """Return the instance whose box just contains the polygons, clipped to the image."""
        clipped = tuple(np.clip(polygon, 0, 1) for polygon in polygons)
        points = np.concatenate(clipped)
        return cls(
            class_id=class_id,
            box_xyxy=np.concatenate([points.min(0), points.max(0)]),
            polygons=clipped,
            line=line,
        )

    @classmethod
    def of_box(cls, class_id: int, box_xyxy: Floats, line: int = 0) -> Instance:
        """Return the instance of a box alone, clipped to the image."""
        return cls(class_id=class_id, box_xyxy=np.clip(box_xyxy, 0, 1), polygons=(), line=line)


def box_flaws(box_xyxy: Floats, *, rounding: float = ROUNDING) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each flaw of a box."""
    if not np.isfinite(box_xyxy).all():
        yield 'nan', f'the box holds {_shown(box_xyxy)}; every number must be finite.'
        return
    if box_xyxy[2] <= box_xyxy[0] or box_xyxy[3] <= box_xyxy[1]:
        yield 'zero_area', f'the box {_shown(box_xyxy)} (xyxy) covers nothing; remove it.'
    if box_xyxy.min() < -rounding or box_xyxy.max() > 1 + rounding:
        yield (
            'out_of_image',
            f'the box {_shown(box_xyxy)} (xyxy) reaches out of the image; '
            'shares of width and height lie in [0, 1].',
        )


def polygon_flaws(polygon: Floats, *, rounding: float = ROUNDING) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each flaw of an outline."""
    if not np.isfinite(polygon).all():
        yield 'nan', 'the polygon holds NaN or infinity; every number must be finite.'
        return
    if len(np.unique(polygon, axis=0)) < 3:
        yield (
            'polygon',
            f'the polygon has {len(np.unique(polygon, axis=0))} different points; '
            'an outline needs 3 or more.',
        )
    elif area(polygon) == 0:
        yield 'zero_area', 'the polygon covers nothing: its points lie on one line; remove it.'
    if polygon.min() < -rounding or polygon.max() > 1 + rounding:
        worst = polygon.reshape(-1)[np.argmax(np.abs(polygon - 0.5))]
        yield (
            'out_of_image',
            f'the polygon reaches out of the image ({worst:.4g}); '
            'shares of width and height lie in [0, 1].',
        )


def area(polygon: Floats) -> float:
    """Return the area of a polygon (n, 2), by the shoelace formula."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _shown(box: Floats) -> str:
    return ' '.join(f'{value:.4g}' for value in box)
