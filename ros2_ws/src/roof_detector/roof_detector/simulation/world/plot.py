# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The placement of buildings on the land."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.world.roofing import Footprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.world_config import WorldConfig

GAP_M = 3.0


def plan_buildings(
    config: WorldConfig, rng: np.random.Generator
) -> tuple[list[Footprint], tuple[float, float]]:
    """Return random separate footprints, and the size of the land in metres east and north."""
    count = int(rng.integers(config.building_count[0], config.building_count[1] + 1))
    street = rng.uniform(0, np.pi)
    area = rng.uniform(*config.roof_area_m2)
    shares = rng.dirichlet(np.full(count, 4.0))
    drafts: list[tuple[NDArray[np.float64], tuple[float, float], float]] = []
    for share in sorted(shares, reverse=True):
        covered = max(area * share, 40.0)
        aspect = rng.uniform(1.0, 2.4)
        size = (float(np.sqrt(covered * aspect)), float(np.sqrt(covered / aspect)))
        yaw = float(street + rng.integers(2) * np.pi / 2 + rng.normal(0, 0.05))
        centre = np.zeros(2)
        direction = rng.uniform(0, 2 * np.pi)
        while any(
            np.hypot(*(centre - other)) < _reach(size) + _reach(other_size) + GAP_M
            for other, other_size, _ in drafts
        ):
            centre = centre + 1.0 * np.array([np.cos(direction), np.sin(direction)])
        drafts.append((centre, size, yaw))
    corners = np.concatenate(
        [np.stack([centre - _reach(size), centre + _reach(size)]) for centre, size, _ in drafts]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    middle = (low + high) / 2
    land = high - low + 2 * config.margin_m
    footprints = []
    for centre, size, yaw in drafts:
        kind = str(rng.choice(config.roof_kinds))
        x, y = centre - middle
        footprints.append(
            Footprint(
                centre_xy=(float(x), float(y)),
                size=size,
                yaw=yaw,
                height=float(rng.uniform(*config.building_height_m)),
                kind=kind,
                pitch=Footprint.pitch_for(kind, rng),
            )
        )
    return footprints, (float(land[0]), float(land[1]))


def _reach(size: tuple[float, float]) -> float:
    # Between inscribed and circumscribed circle: near neighbours without overlap in most turns.
    return 0.5 * float(np.hypot(*size))
