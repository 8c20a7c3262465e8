# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The placement of equipment, defects and clutter on a roof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation import classes
from roof_detector.simulation.props.clutter import CLUTTER
from roof_detector.simulation.props.equipment import Builder, choose_equipment
from roof_detector.simulation.props.parapet import parapets, stair_head
from roof_detector.simulation.props.split_unit import split_unit
from roof_detector.simulation.surfaces import marking, soiling
from roof_detector.simulation.surfaces.defect import DEFECTS
from roof_detector.simulation.surfaces.soiling import cable, leak, pad
from roof_detector.simulation.world.instance import WorldInstance
from roof_detector.simulation.world.maker import Maker
from roof_detector.simulation.world.shade import in_shade
from roof_detector.simulation.world.solid import UP, Solid
from roof_detector.simulation.world.survey_of_ids import survey_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.roofing import Footprint, RoofSection
    from roof_detector.simulation.world.world_config import WorldConfig

# Objects per 100 m2 of roof: groups of equipment, drains, cracks, ponds, rust.
RATES: dict[str, tuple[float, float, float, float, float]] = {
    'concrete': (1.0, 0.7, 1.0, 0.7, 0.5),
    'gravel': (1.0, 0.7, 0.15, 0.7, 0.3),
    'bitumen': (1.0, 0.8, 0.8, 0.9, 0.3),
    'membrane': (1.0, 0.8, 0.6, 0.9, 0.4),
    'metal': (0.4, 0.0, 0.0, 0.0, 2.6),
    'tile': (0.15, 0.0, 0.0, 0.0, 0.1),
}
CLUTTER_PER_100_M2 = 2.0


class Furnisher:
    """One building's objects while they are placed, kept apart from each other."""

    def __init__(
        self,
        footprint: Footprint,
        config: WorldConfig,
        make: Maker,
        *,
        first_id: int,
        wetness: float,
    ) -> None:
        self.footprint = footprint
        self.config = config
        self.make = make
        self.wetness = wetness
        self.solids: list[Solid] = []
        self.instances: list[WorldInstance] = []
        self._next_id = first_id
        self._taken: list[tuple[float, float, float]] = []
        self._edge = 0.15

    def furnish(self, section: RoofSection) -> None:
        """Fill one section of the roof."""
        rng, config, kind = self.make.rng, self.config, self.footprint.kind
        self._taken = []
        area = section.canvas.size_uv_m[0] * section.canvas.size_uv_m[1] / 100
        # Roofs differ: some are crowded, some are bare.
        equip, *defects = np.array(RATES[kind]) * area * rng.gamma(2.5, 1 / 2.5)
        if self.footprint.flat:
            self._edge, built = parapets(self.footprint, self.make)
            self.solids.extend(built)
            if area > 2 and rng.random() < 0.35 * config.clutter_density:
                self._stand(section, stair_head, radius=2.8)
            if rng.random() < 0.8:
                soiling.dirty_edges(section.canvas, rng, inset_m=self._edge)
        if self.wetness > 0.3:
            soiling.dampen(section.canvas, rng, wetness=self.wetness)
        marks = config.clutter_density * area
        soiling.stains(section.canvas, rng, count=int(rng.poisson(1.5 * marks)))
        soiling.cables(section.canvas, rng, count=int(rng.poisson(0.4 * marks)))
        marking.marks(section.canvas, rng, count=int(rng.poisson(1.0 * marks)))
        painted: dict[int, tuple[int, float]] = {}
        for class_id, rate in zip(DEFECTS, defects, strict=True):
            gain = config.defect_density * (
                0.4 + 1.4 * self.wetness if class_id == classes.PONDING else 1.0
            )
            for _ in range(int(rng.poisson(rate * gain))):
                self._paint(section, class_id, painted)
        for _ in range(int(rng.poisson(equip * config.equipment_density))):
            self._group(section)
        weights = np.array([weight for _, weight, _ in CLUTTER])
        count = rng.poisson(
            CLUTTER_PER_100_M2
            * area
            * config.clutter_density
            * (1 if self.footprint.flat else 0.4)
        )
        for _ in range(int(count)):
            builder, _, radius = CLUTTER[int(rng.choice(len(CLUTTER), p=weights / weights.sum()))]
            self._stand(section, builder, radius=radius)
        self.instances += survey_ids(section, painted, rng)

    def _free(self, section: RoofSection, radius: float) -> tuple[float, float] | None:
        rng = self.make.rng
        width, height = section.canvas.size_uv_m
        inset = self._edge + 0.05 + 0.75 * radius
        if width <= 2 * inset or height <= 2 * inset:
            return None
        for _ in range(12):
            u, v = rng.uniform(inset, width - inset), rng.uniform(inset, height - inset)
            if all(np.hypot(u - a, v - b) > radius + r for a, b, r in self._taken):
                return float(u), float(v)
        return None

    def _yaw(self) -> float:
        rng = self.make.rng
        turn = rng.integers(4) * np.pi / 2
        loose = rng.normal(0, 0.04) if rng.random() < 0.75 else rng.uniform(-0.8, 0.8)
        return float(self.footprint.yaw + turn + loose)

    def _stand(self, section: RoofSection, builder: Builder, *, radius: float) -> None:
        spot = self._free(section, radius)
        if spot is not None:
            self._taken.append((*spot, radius))
            base = section.plane.to_enu(spot)
            self.solids.append(builder(base, yaw=self._yaw(), make=self._lit(self.make, base)))

    def _lit(self, make: Maker, base: NDArray[np.float64]) -> Maker:
        """Take the sun from what stands in the shadow of what was built before it."""
        middle = base + 0.4 * UP
        if not in_shade(middle, make.light.to_sun, self.solids):
            return make
        return replace(make, light=replace(make.light, blocked=True))

    def _group(self, section: RoofSection) -> None:
        """Place one unit or a row of alike units, in the open or along the parapet."""
        rng = self.make.rng
        builder, radius = choose_equipment(rng)
        count = int(rng.choice([1, 2, 3, 4], p=[0.5, 0.25, 0.15, 0.1]))
        width, height = section.canvas.size_uv_m
        along_edge = builder is split_unit and self.footprint.flat and rng.random() < 0.65
        yaw = self._yaw()
        spot = self._free(section, radius)
        if spot is None:
            return
        u, v = spot
        step_u, step_v = (1.0, 0.0) if rng.random() < 0.5 else (0.0, 1.0)
        if along_edge:
            gap = self._edge + (0.24 if rng.random() < 0.3 else rng.uniform(0.22, 0.8))
            side = int(rng.integers(4))
            step_u, step_v = (1.0, 0.0) if side < 2 else (0.0, 1.0)
            u = u if side < 2 else (gap if side == 2 else width - gap)
            v = v if side >= 2 else (gap if side == 0 else height - gap)
            # The long side lies along the parapet, the fan faces the roof or the parapet.
            yaw = self.footprint.yaw + (np.pi / 2 if side < 2 else 0.0)
            yaw += float(rng.integers(2) * np.pi + rng.normal(0, 0.05))
        # Most rows are of one make; elsewhere units were added over the years.
        make = Maker(self.make.light, rng, self.make.white()) if rng.random() < 0.7 else self.make
        pitch = radius * 2 * rng.uniform(0.9, 1.6)
        for i in range(count):
            place = (u + i * pitch * step_u, v + i * pitch * step_v)
            inside = all(
                self._edge + 0.2 < c < size - self._edge - 0.2
                for c, size in zip(place, (width, height), strict=True)
            )
            clear = all(
                np.hypot(place[0] - a, place[1] - b) > 0.85 * (radius + r)
                for a, b, r in self._taken
            )
            if inside and clear:
                self._taken.append((*place, radius))
                base = section.plane.to_enu(place)
                turn = yaw + float(rng.normal(0, 0.03))
                lit = self._lit(make, base)
                solid = builder(base, yaw=turn, make=lit, instance=self._next_id)
                self._connect(section, solid, place)
                self.solids.append(solid)
                self.instances.append(
                    WorldInstance(
                        instance_id=self._next_id,
                        class_id=classes.EQUIP,
                        position_enu=base,
                        outline=solid.outline,
                        solid=True,
                    )
                )
                self._next_id += 1

    def _connect(self, section: RoofSection, solid: Solid, at: tuple[float, float]) -> None:
        """Lay a pad beneath some units and a line away from some."""
        rng, canvas = self.make.rng, section.canvas
        if rng.random() < 0.25:
            pad(canvas, section.plane.to_uv(solid.facets[0].corners), rng)
        if rng.random() < 0.5:
            heading = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.2)
            cable(canvas, rng, np.array(at), heading=heading, pieces=rng.integers(1, 5))
        if rng.random() < 0.3:
            leak(canvas, rng, np.array(at))

    def _paint(
        self, section: RoofSection, class_id: int, painted: dict[int, tuple[int, float]]
    ) -> None:
        painter, radius = DEFECTS[class_id]
        spot = self._free(section, radius)
        if spot is not None:
            self._taken.append((*spot, radius))
            width = painter(section.canvas, spot, self.make.rng, instance=self._next_id)
            painted[self._next_id] = (class_id, np.inf if width is None else width)
            self._next_id += 1

    @property
    def next_id(self) -> int:
        """Return the next free id."""
        return self._next_id
