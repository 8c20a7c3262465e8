# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Air-conditioning and ventilation units: the class `equip`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.canvas import Colour
from roof_detector.simulation.maker import Maker
from roof_detector.simulation.solid import UP, Solid, axes_of, solid_from
from roof_detector.simulation.swatch import Decoration, fan, frame, ribs

DARK: Colour = (48.0, 46.0, 44.0)
Builder = Callable[..., Solid]


def split_unit(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build the outdoor part of a split system: a slim box, its fan on the long side."""
    rng = make.rng
    size = (rng.uniform(0.28, 0.42), rng.uniform(0.72, 1.05), rng.uniform(0.5, 0.75))
    fans = 1
    if rng.random() < 0.15:
        size, fans = (size[0], size[1], size[2] * 1.9), 2
    colour = make.white()
    foot = np.asarray(base, dtype=np.float64) + rng.uniform(0.0, 0.15) * UP
    radius = 0.38 * min(size[1] * 0.7, size[2] / fans)
    hub = _scaled(colour, 0.75)
    grille = tuple(
        fan((0.38, (i + 0.5) / fans), radius, colour=DARK, hub=hub) for i in range(fans)
    )
    coil = (ribs(0.03, depth=0.5),)
    lid: tuple[Decoration, ...] = (frame(0.012, _scaled(colour, 0.93)),)
    if rng.random() < 0.5:
        lid += (ribs(rng.uniform(0.04, 0.09), depth=rng.uniform(0.03, 0.14), upright=True),)
    facets = make.box(
        foot,
        size,
        yaw=yaw,
        colour=colour,
        dirt=rng.uniform(0, 0.35),
        instance=instance,
        top=lid,
        sides={'front': grille, 'back': coil},
        sink=float(foot[2] - np.asarray(base)[2]) * 0.4,
    )
    return solid_from(
        facets, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw, instance=instance
    )


def top_fan_unit(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a square condenser that blows upwards."""
    rng = make.rng
    side = rng.uniform(0.5, 1.0)
    size = (side, side * rng.uniform(0.9, 1.15), rng.uniform(0.35, 1.0))
    colour = make.white()
    dark = _scaled(DARK, rng.uniform(0.7, 2.2))
    lid = (
        frame(0.02, _scaled(colour, 0.9)),
        fan((0.5, 0.5), 0.41 * side, colour=dark, hub=_scaled(colour, rng.uniform(0.6, 1.0))),
    )
    coil = (ribs(0.035, depth=rng.uniform(0.2, 0.6), upright=bool(rng.random() < 0.5)),)
    facets = make.box(
        base,
        size,
        yaw=yaw,
        colour=colour,
        dirt=rng.uniform(0.05, 0.4),
        instance=instance,
        top=lid,
        sides=dict.fromkeys(('front', 'back', 'left', 'right'), coil),
    )
    return solid_from(
        facets, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw, instance=instance
    )


def packaged_unit(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a rooftop unit: a long box with one to four fans on top and louvred sides."""
    rng = make.rng
    size = (rng.uniform(1.4, 3.4), rng.uniform(1.0, 1.9), rng.uniform(0.8, 1.6))
    colour = make.white()
    foot = np.asarray(base, dtype=np.float64)
    louvres = (ribs(0.06, depth=0.35, upright=False),)
    lid = (frame(0.03, _scaled(colour, 0.85)), ribs(size[0] / 3, depth=0.06))
    facets = make.box(
        foot,
        size,
        yaw=yaw,
        colour=colour,
        dirt=rng.uniform(0.1, 0.45),
        instance=instance,
        top=lid,
        sides={'front': louvres, 'left': louvres},
    )
    ahead, left = axes_of(yaw)
    count = int(rng.integers(1, 5))
    radius = min(size[1] * 0.36, size[0] / (2.4 * count))
    for i in range(count):
        along = (i + 0.5) / count * size[0] * 0.95 - size[0] * 0.475
        centre = foot + along * ahead + rng.uniform(-0.06, 0.06) * left + size[2] * UP
        facets += make.cylinder(
            centre,
            radius=radius,
            height=rng.uniform(0.05, 0.2),
            colour=_scaled(colour, 0.8),
            instance=instance,
            top=(fan((0.5, 0.5), radius * 0.9, colour=DARK, hub=colour),),
        )
    return solid_from(
        facets, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw, instance=instance
    )


def roof_fan(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a round exhaust fan on a kerb, with a cowl like a mushroom."""
    rng = make.rng
    radius = rng.uniform(0.28, 0.6)
    level = rng.uniform(130, 235)
    colour: Colour = (level, level, level)
    foot = np.asarray(base, dtype=np.float64)
    kerb = rng.uniform(0.12, 0.35)
    facets = make.box(
        foot,
        (radius * 1.7, radius * 1.7, kerb),
        yaw=yaw,
        colour=_scaled(colour, 0.8),
        instance=instance,
    )
    facets += make.cylinder(
        foot + kerb * UP,
        radius=radius * 0.75,
        height=0.15,
        colour=_scaled(DARK, 1.5),
        instance=instance,
    )
    facets += make.cylinder(
        foot + (kerb + 0.15) * UP,
        radius=radius,
        top_radius=radius * rng.uniform(0.35, 0.7),
        height=radius * rng.uniform(0.25, 0.5),
        colour=colour,
        instance=instance,
        count=16,
        dirt=rng.uniform(0.05, 0.4),
    )
    return solid_from(facets, base, half_extent=(radius, radius), yaw=yaw, instance=instance)


def turbine_vent(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a wind-driven ventilator: a ribbed metal ball on a neck."""
    rng = make.rng
    radius = rng.uniform(0.22, 0.42)
    level = rng.uniform(140, 215)
    colour: Colour = (level, level, level * 0.98)
    foot = np.asarray(base, dtype=np.float64)
    neck = rng.uniform(0.15, 0.3)
    facets = make.cylinder(
        foot, radius=radius * 0.7, height=neck, colour=_scaled(colour, 0.8), instance=instance
    )
    profile = ((0.75, 1.0, 0.5), (1.0, 0.95, 0.4), (0.95, 0.45, 0.35))
    level_z = neck
    for low, high, rise in profile:
        shades = make.cylinder(
            foot + level_z * UP,
            radius=radius * low,
            top_radius=radius * high,
            height=radius * rise,
            colour=colour,
            instance=instance,
            count=20,
            dirt=0.3,
            top_colour=_scaled(colour, 0.85),
        )
        # Every other face lies in the shadow of the vane before it.
        facets += shades
        level_z += radius * rise
    return solid_from(facets, base, half_extent=(radius, radius), yaw=yaw, instance=instance)


# Small split units are what most roofs carry; the others keep the class from meaning one shape.
EQUIPMENT: tuple[tuple[Builder, float, float], ...] = (
    (split_unit, 0.56, 0.6),
    (top_fan_unit, 0.16, 0.7),
    (packaged_unit, 0.11, 2.0),
    (roof_fan, 0.1, 0.7),
    (turbine_vent, 0.07, 0.5),
)
"""Builder, share among units, and radius in metres that it needs."""


def _scaled(colour: Colour, gain: float) -> Colour:
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )


def choose_equipment(rng: np.random.Generator) -> tuple[Builder, float]:
    """Draw a kind of unit and return its builder and the radius that it needs."""
    shares: NDArray[np.float64] = np.array([share for _, share, _ in EQUIPMENT])
    builder, _, radius = EQUIPMENT[int(rng.choice(len(EQUIPMENT), p=shares / shares.sum()))]
    return builder, radius
