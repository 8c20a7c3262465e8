# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A generated world: land, buildings, trees, light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.errors import SimulationError
from roof_detector.simulation.props.tree import tree
from roof_detector.simulation.surfaces.canvas import Canvas
from roof_detector.simulation.surfaces.ground import GROUND_METRES_PER_PX, paint_ground
from roof_detector.simulation.surfaces.noise import fractal_noise
from roof_detector.simulation.world.building import Building, build
from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.light import Light
from roof_detector.simulation.world.maker import Maker
from roof_detector.simulation.world.plot import plan_buildings
from roof_detector.simulation.world.solid import Solid, solid_from
from roof_detector.simulation.world.world_config import WorldConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.instance import WorldInstance

GRAIN_SIDE_PX = 512
BEYOND_M = 300.0


@dataclass(frozen=True, kw_only=True)
class RoofWorld:
    """Everything that a flight sees, in ENU metres from the world's centre on the ground."""

    config: WorldConfig
    light: Light
    ground: Facet
    buildings: tuple[Building, ...]
    standing: tuple[Solid, ...]
    grain: NDArray[np.uint8]

    @classmethod
    def generate(cls, *, seed: int, config: WorldConfig | None = None) -> RoofWorld:
        """Return the world of a seed; the same seed and config give the same world."""
        if seed < 0:
            msg = f'The seed is {seed}; give a whole number from zero up.'
            raise SimulationError(msg)
        config = config or WorldConfig()
        rng = np.random.default_rng([seed, 1])
        light = Light(
            azimuth_deg=rng.uniform(0, 360),
            elevation_deg=rng.uniform(*config.sun_elevation_deg),
            direct=rng.uniform(*config.direct_light),
        )
        make = Maker(light, rng)
        wetness = float(rng.uniform(*config.wetness))
        footprints, size = plan_buildings(config, rng)
        buildings: list[Building] = []
        next_id = 1
        for footprint in footprints:
            building = build(footprint, config, make, first_id=next_id, wetness=wetness)
            buildings.append(building)
            next_id = max([next_id, *(i.instance_id + 1 for i in building.instances)])
        plane = Plane3(
            np.array([-size[0] / 2, size[1] / 2, 0.0]),
            np.array([1.0, 0.0, 0.0]),
            np.array([0.0, -1.0, 0.0]),
        )
        standing = _plant(buildings, size, config, make)
        canvas = Canvas(size, metres_per_px=GROUND_METRES_PER_PX)
        paint_ground(canvas, rng)
        for building in buildings:
            outline = np.concatenate(
                [building.footprint.corners(0.0), *(roof.corners for roof in building.roofs)]
            )
            canvas.cast(plane.cast(outline, light.to_sun))
        for solid in standing:
            for facet in solid.facets:
                canvas.cast(plane.cast(facet.corners, light.to_sun))
        texture = canvas.finish(
            shade_strength=light.shade_strength, shade_blur_m=0.1 + light.shade_blur_m
        )
        # The land goes on beyond its texture, which is mirrored there.
        low, (right, lower) = -BEYOND_M, np.array(size) + BEYOND_M
        corners = [[low, low], [right, low], [right, lower], [low, lower]]
        ground = facet_from_uv(plane, corners, texture)
        return cls(
            config=config,
            light=light,
            ground=ground,
            buildings=tuple(buildings),
            standing=standing,
            grain=_grain(rng),
        )

    @property
    def instances(self) -> tuple[WorldInstance, ...]:
        """Return every labelled object."""
        return tuple(instance for building in self.buildings for instance in building.instances)

    @property
    def roof_bounds(self) -> NDArray[np.float64]:
        """Return the lowest and highest corner (2, 3) of all roofs."""
        corners = np.concatenate(
            [roof.corners for building in self.buildings for roof in building.roofs]
        )
        return np.stack([corners.min(axis=0), corners.max(axis=0)])


def _plant(
    buildings: list[Building], size: tuple[float, float], config: WorldConfig, make: Maker
) -> tuple[Solid, ...]:
    """Stand trees and cars on the land, clear of the buildings."""
    rng = make.rng
    out: list[Solid] = []
    taken: list[tuple[float, float, float]] = []
    wanted = int(rng.integers(config.tree_count[0], config.tree_count[1] + 1))
    for i in range(wanted + int(rng.integers(0, 7))):
        radius = float(rng.uniform(1.2, 4.5)) if i < wanted else 2.4
        for _ in range(10):
            spot = rng.uniform(-0.5, 0.5, 2) * size
            clear = all(np.hypot(*(spot - (x, y))) > 0.8 * (radius + r) for x, y, r in taken)
            if clear and all(
                building.footprint.distance_to(spot) > 0.85 * radius for building in buildings
            ):
                taken.append((spot[0], spot[1], radius))
                base = np.array([*spot, 0.0])
                out.append(
                    tree(base, radius=radius, make=make) if i < wanted else _car(base, make)
                )
                break
    return tuple(out)


def _car(base: NDArray[np.float64], make: Maker) -> Solid:
    rng = make.rng
    level = rng.choice([30.0, 90.0, 160.0, 225.0, 245.0])
    tint = rng.uniform(0.7, 1.0, 3) if rng.random() < 0.3 else np.ones(3)
    colour = (level * tint[0], level * tint[1], level * tint[2])
    yaw = float(rng.uniform(0, 2 * np.pi))
    facets = make.box(base, (4.3, 1.8, 0.8), yaw=yaw, colour=colour, dirt=0.0)
    cabin = base + np.array([0.0, 0.0, 0.8])
    facets += make.box(cabin, (2.3, 1.6, 0.6), yaw=yaw, colour=(45, 42, 40), top_colour=colour)
    return solid_from(facets, base, half_extent=(2.15, 0.9), yaw=yaw)


def _grain(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return fine relief around 128 for close views; a pixel is GRAIN_METRES_PER_PX."""
    noise = fractal_noise(
        (GRAIN_SIDE_PX, GRAIN_SIDE_PX), rng, feature_px=6, octaves=3, persistence=0.9
    )
    return np.clip(128 + 13 * noise, 60, 200).astype(np.uint8)
