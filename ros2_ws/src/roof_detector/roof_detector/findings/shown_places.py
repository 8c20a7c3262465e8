# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The places that frames show: what flights enclose at each, and nothing of what is between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

# Two roofs of one site are nearer, and no flight leaves such a gap on one roof.
APART_M = 500.0


def hulls_of_places(
    outlines: Sequence[BaseGeometry], *, apart: float = APART_M
) -> list[BaseGeometry]:
    """Return the convex hull of the outlines at each place, that of most outlines first.

    Places are further than `apart` from each other, in the unit of the outlines. One hull of all
    would count the land between two roofs, or on the way to one wrong position, as theirs.
    """
    hulls = shapely.convex_hull([one for one in outlines if not one.is_empty])
    around = shapely.union_all(shapely.buffer(hulls, apart / 2, quad_segs=2))
    places = list(getattr(around, 'geoms', [around]))
    if len(places) == 1:
        return [shapely.union_all(hulls).convex_hull]
    of_places = [hulls[shapely.intersects(place, hulls)] for place in places]
    of_places.sort(key=len, reverse=True)
    return [shapely.union_all(one).convex_hull for one in of_places]
