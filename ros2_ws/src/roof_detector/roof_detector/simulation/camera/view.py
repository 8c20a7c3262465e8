# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The drawing of a world from back to front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.world.solid import Solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.camera.painter import Painter
    from roof_detector.simulation.world.building import Building
    from roof_detector.simulation.world.roof_world import RoofWorld


def paint_world(world: RoofWorld, painter: Painter) -> None:
    """Paint land, then buildings and trees in order of decreasing distance from below the camera.

    Seen from above, a nearer object hides a farther one.
    """
    roofs = [facet for building in world.buildings for facet in building.roofs]
    if not any(painter.covers_image(facet) for facet in roofs):
        painter.paint(world.ground)
    eye = painter.pose.position_enu[:2]
    items: list[tuple[float, Building | Solid]] = [
        (building.footprint.distance_to(eye), building) for building in world.buildings
    ]
    items += [(float(np.hypot(*(solid.base[:2] - eye))), solid) for solid in world.standing]
    for _, item in sorted(items, key=lambda pair: -pair[0]):
        if isinstance(item, Solid):
            paint_solids((item,), painter)
            continue
        for facet in (*item.walls, *item.roofs):
            painter.paint(facet)
        paint_solids(item.solids, painter)


def paint_solids(solids: tuple[Solid, ...], painter: Painter) -> None:
    """Paint the solids in view, the farthest first."""
    if not solids:
        return
    bases = np.stack([solid.base for solid in solids])
    halves = np.array([solid.half_extent for solid in solids])
    heights = np.array([solid.height for solid in solids])
    seen = _in_view(bases, np.hypot(*halves.T) + heights, painter)
    distance = _distance(bases, halves, np.array([s.yaw for s in solids]), painter)
    order = np.argsort(-distance, kind='stable')
    for i in order:
        if seen[i]:
            for facet in solids[i].facets:
                painter.paint(facet)


def _in_view(
    bases: NDArray[np.float64], radii: NDArray[np.float64], painter: Painter
) -> NDArray[np.bool_]:
    points = painter.pose.to_optical(bases)
    camera = painter.camera
    width, height = camera.size_wh
    seen: NDArray[np.bool_] = points[:, 2] > -radii
    for axis, tangent in ((0, width / 2 / camera.fx), (1, height / 2 / camera.fy)):
        limit = points[:, 2] * tangent + radii * np.hypot(1, tangent)
        seen &= np.abs(points[:, axis]) < limit
    return seen


def _distance(
    bases: NDArray[np.float64],
    halves: NDArray[np.float64],
    yaws: NDArray[np.float64],
    painter: Painter,
) -> NDArray[np.float64]:
    offset = painter.pose.position_enu[:2] - bases[:, :2]
    cosine, sine = np.cos(yaws), np.sin(yaws)
    along = np.abs(offset[:, 0] * cosine + offset[:, 1] * sine) - halves[:, 0]
    across = np.abs(offset[:, 1] * cosine - offset[:, 0] * sine) - halves[:, 1]
    return np.hypot(np.maximum(along, 0), np.maximum(across, 0))
