# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A building with everything on its roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.surface import paint_surface
from roof_detector.simulation.world.facet import Facet, facet_from_uv
from roof_detector.simulation.world.furnish import Furnisher
from roof_detector.simulation.world.roofing import Footprint, RoofSection, roof_sections, walls

if TYPE_CHECKING:
    from roof_detector.simulation.world.instance import WorldInstance
    from roof_detector.simulation.world.maker import Maker
    from roof_detector.simulation.world.solid import Solid
    from roof_detector.simulation.world.world_config import WorldConfig


@dataclass(frozen=True, kw_only=True)
class Building:
    """Walls and roof facets, the solids on the roof, and the labelled instances."""

    footprint: Footprint
    walls: tuple[Facet, ...]
    roofs: tuple[Facet, ...]
    solids: tuple[Solid, ...]
    instances: tuple[WorldInstance, ...]


def build(
    footprint: Footprint, config: WorldConfig, make: Maker, *, first_id: int, wetness: float
) -> Building:
    """Cover, furnish and shade one building."""
    sections = roof_sections(footprint, metres_per_px=config.texture_metres_per_px)
    covering = int(make.rng.integers(2**31))
    for section in sections:
        # Both sides of a ridge are of one make: the same seed draws the same colours.
        paint_surface(footprint.kind, section.canvas, np.random.default_rng(covering))
    furnisher = Furnisher(footprint, config, make, first_id=first_id, wetness=wetness)
    for section in sections:
        furnisher.furnish(section)
    roofs = tuple(finish_section(section, make, furnisher.solids) for section in sections)
    return Building(
        footprint=footprint,
        walls=walls(footprint, make),
        roofs=roofs,
        solids=tuple(furnisher.solids),
        instances=tuple(furnisher.instances),
    )


def finish_section(section: RoofSection, make: Maker, solids: list[Solid]) -> Facet:
    """Bake the shadows of objects into a roof, and the shade at their feet."""
    light, plane, canvas = make.light, section.plane, section.canvas
    soft_m = 0.12
    for solid in solids:
        base = plane.to_uv(solid.base)
        reach = max(solid.foot_extent)
        # Dirt and sky shade gather at the foot of objects.
        window = canvas.window(base, reach + 3 * soft_m)
        u, v = canvas.grid(window)
        turn = solid.yaw
        axis = plane.to_uv(plane.origin + np.array([np.cos(turn), np.sin(turn), 0.0]))
        axis = axis / max(float(np.linalg.norm(axis)), 1e-6)
        along = np.abs((u - base[0]) * axis[0] + (v - base[1]) * axis[1]) - solid.foot_extent[0]
        across = np.abs((v - base[1]) * axis[0] - (u - base[0]) * axis[1]) - solid.foot_extent[1]
        outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
        canvas.scale(window, (1 - 0.38 * np.exp(-outside / soft_m)).astype(np.float32))
        for facet in solid.facets:
            canvas.cast(plane.cast(facet.corners, light.to_sun))
    texture = canvas.finish(
        shade_strength=light.shade_strength,
        shade_blur_m=light.shade_blur_m,
        gain=light.gain(plane.normal),
    )
    return facet_from_uv(plane, section.corners_uv, texture)
