# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The settings of a generated world."""

from __future__ import annotations

from dataclasses import dataclass

from roof_detector.simulation.errors import SimulationError
from roof_detector.simulation.surfaces.surface import ROOF_KINDS


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    """The ranges from which a world is drawn; a pair is (lowest, highest)."""

    roof_kinds: tuple[str, ...] = ROOF_KINDS
    building_count: tuple[int, int] = (1, 2)
    roof_area_m2: tuple[float, float] = (450.0, 1300.0)
    building_height_m: tuple[float, float] = (3.0, 14.0)
    margin_m: float = 14.0
    texture_metres_per_px: float = 0.02
    sun_elevation_deg: tuple[float, float] = (22.0, 80.0)
    """From 5, a sun just risen, to 90."""
    direct_light: tuple[float, float] = (0.0, 1.0)
    """From 0, overcast without shadows, to 1, a clear sky."""
    wetness: tuple[float, float] = (0.0, 1.0)
    """From 0, dry, to 1, just after rain: damp roofs and more standing water."""
    equipment_density: float = 1.0
    defect_density: float = 1.0
    clutter_density: float = 1.0
    """Of objects and marks without a label; 0 for none, 1 for usual, 3 for a scrap yard."""
    tree_count: tuple[int, int] = (4, 16)

    def __post_init__(self) -> None:
        unknown = set(self.roof_kinds) - set(ROOF_KINDS)
        if unknown or not self.roof_kinds:
            msg = f'Roof kinds {self.roof_kinds} are not all known; choose from {ROOF_KINDS}.'
            raise SimulationError(msg)
        for name in (
            'building_count',
            'roof_area_m2',
            'building_height_m',
            'sun_elevation_deg',
            'direct_light',
            'wetness',
            'tree_count',
        ):
            low, high = getattr(self, name)
            if low < 0 or high < low:
                msg = f'{name} is ({low}, {high}); give a pair (lowest, highest) from zero up.'
                raise SimulationError(msg)
        for name, lowest, highest in (
            ('sun_elevation_deg', 5, 90),
            ('direct_light', 0, 1),
            ('wetness', 0, 1),
        ):
            low, high = getattr(self, name)
            if low < lowest or high > highest:
                msg = f'{name} is ({low}, {high}); give a pair within {lowest} and {highest}.'
                raise SimulationError(msg)
        if self.building_count[0] < 1:
            msg = 'building_count starts at 0; a roof world needs a building.'
            raise SimulationError(msg)
        if not 0.005 <= self.texture_metres_per_px <= 0.1:
            msg = f'texture_metres_per_px is {self.texture_metres_per_px}; give 0.005 to 0.1.'
            raise SimulationError(msg)
        if min(self.equipment_density, self.defect_density, self.clutter_density) < 0:
            msg = 'A density is below zero; give 0 for none and 1 for usual.'
            raise SimulationError(msg)
