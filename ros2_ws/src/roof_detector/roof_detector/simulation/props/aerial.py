# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masts and antennas, which carry no label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.surfaces.swatch import swatch
from roof_detector.simulation.world.rod import rod
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.maker import Maker

Vector = NDArray[np.float64]


def antenna(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a mast with a Yagi antenna's boom and rods."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    height = float(rng.uniform(1.0, 3.5))
    tone = float(rng.uniform(110, 245))
    metal = swatch((2.0, 0.1), (tone, tone, tone), rng, dirt=0)
    top = foot + height * UP
    ahead, left = axes_of(yaw)
    parts, extent = _footed(foot, yaw, make)
    parts += make.box(foot, (0.05, 0.05, height), yaw=yaw, colour=(140,) * 3)
    reach = float(rng.uniform(0.4, 1.1))
    parts += (rod(top - reach * ahead, top + reach * ahead, rng.uniform(0.03, 0.06), metal),)
    for step in np.linspace(-0.95, 0.95, int(rng.integers(5, 15))):
        middle = top + step * reach * ahead
        span = (0.25 + 0.12 * step) * left
        parts += (rod(middle - span, middle + span, 0.014, metal),)
    parts += _guys(foot, top, make) if rng.random() < 0.3 else ()
    return solid_from(parts, base, half_extent=(0.3, 0.3), yaw=yaw, foot_extent=extent)


def panel_mast(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a pole with the tall narrow panels of a mobile network."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    height = float(rng.uniform(1.5, 4.0))
    parts, extent = _footed(foot, yaw, make)
    parts += make.cylinder(foot, radius=0.05, height=height, colour=(150, 152, 154), count=8)
    level = float(rng.uniform(150, 240))
    for turn in yaw + 2 * np.pi * np.arange(int(rng.integers(1, 4))) / 3:
        out = np.array([np.cos(turn), np.sin(turn), 0.0])
        tall = float(rng.uniform(0.6, 1.6))
        low = foot + 0.22 * out + (height - tall) * UP
        size = (0.1, float(rng.uniform(0.15, 0.3)), tall)
        parts += make.box(low, size, yaw=float(turn), colour=(level, level, level), dirt=0.2)
    parts += _guys(foot, foot + height * UP, make) if rng.random() < 0.5 else ()
    return solid_from(parts, base, half_extent=(0.4, 0.4), yaw=yaw, foot_extent=extent)


def _footed(
    foot: Vector, yaw: float, make: Maker
) -> tuple[tuple[Facet, ...], tuple[float, float]]:
    """Build a mast's concrete foot, or none, and return half of the ground that it covers."""
    rng = make.rng
    if rng.random() < 0.3:
        return (), (0.05, 0.05)
    side, level = float(rng.uniform(0.2, 0.8)), float(rng.uniform(105, 220))
    size = (side, side * float(rng.uniform(0.8, 1.25)), float(rng.uniform(0.08, 0.4)))
    colour = (level * 0.92, level * 0.97, level)
    parts = make.box(foot, size, yaw=yaw, colour=colour, dirt=rng.uniform(0.2, 0.8))
    return parts, (size[0] / 2, size[1] / 2)


def _guys(foot: Vector, top: Vector, make: Maker) -> tuple[Facet, ...]:
    """Stretch wires from a mast's top to the roof."""
    rng = make.rng
    tone = float(rng.uniform(40, 180))
    wire = swatch((2.0, 0.1), (tone, tone, tone), rng, dirt=0)
    reach = float(top[2] - foot[2]) * rng.uniform(0.4, 0.7)
    turns = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(int(rng.integers(3, 5))) / 4
    ends = [foot + reach * np.array([np.cos(turn), np.sin(turn), 0.0]) for turn in turns]
    return tuple(rod(top, end, 0.012, wire) for end in ends)
