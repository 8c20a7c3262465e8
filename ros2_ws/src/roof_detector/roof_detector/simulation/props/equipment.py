# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Air-conditioning and ventilation units: the class `equip`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.props.split_unit import DARK, scaled, split_unit
from roof_detector.simulation.surfaces.grime import BROWN, SOOT, blotches, dents, plate
from roof_detector.simulation.surfaces.swatch import Decoration, fan, frame, ribs
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.maker import Maker

Builder = Callable[..., Solid]


def top_fan_unit(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a square condenser that blows upwards."""
    rng = make.rng
    side = rng.uniform(0.5, 1.0)
    size = (side, side * rng.uniform(0.9, 1.15), rng.uniform(0.35, 1.0))
    colour = make.white()
    dark = scaled(DARK, rng.uniform(0.7, 2.2))
    hub = scaled(colour, float(rng.uniform(0.6, 1.0)))
    reach = float(rng.uniform(0.3, 0.44)) * side
    # Some grilles are a dark ring about a pale middle, others a net before the blades.
    lid: tuple[Decoration, ...] = (
        frame(0.02, scaled(colour, 0.9)),
        fan((0.5, 0.5), reach, colour=dark, hub=hub, rings=int(rng.integers(2, 12))),
    )
    if rng.random() < 0.3:
        lid += (fan((0.5, 0.5), reach * float(rng.uniform(0.4, 0.7)), colour=hub, hub=dark),)
    lid += _wear(rng)
    coil = (
        ribs(0.035, depth=float(rng.uniform(0.2, 0.6)), upright=bool(rng.random() < 0.5)),
        dents(int(rng.integers(0, 10))),
    )
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
    lid = (frame(0.03, scaled(colour, 0.85)), ribs(size[0] / 3, depth=0.06), *_wear(rng))
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
            colour=scaled(colour, 0.8),
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
        colour=scaled(colour, 0.8),
        instance=instance,
    )
    facets += make.cylinder(
        foot + kerb * UP,
        radius=radius * 0.75,
        height=0.15,
        colour=scaled(DARK, 1.5),
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
        foot, radius=radius * 0.7, height=neck, colour=scaled(colour, 0.8), instance=instance
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
            top_colour=scaled(colour, 0.85),
        )
        # Every other face lies in the shadow of the vane before it.
        facets += shades
        level_z += radius * rise
    return solid_from(facets, base, half_extent=(radius, radius), yaw=yaw, instance=instance)


def _wear(rng: np.random.Generator) -> tuple[Decoration, ...]:
    """Draw stains and a maker's label on some tops."""
    out: tuple[Decoration, ...] = ()
    if rng.random() < 0.5:
        tone = SOOT if rng.random() < 0.5 else BROWN
        out += (blotches(float(rng.uniform(0.05, 0.5)), tone, feature_m=0.3),)
    if rng.random() < 0.3:
        place = (float(rng.choice([0.05, 0.95])), float(rng.choice([0.05, 0.95])))
        ink = (200, 200, 200) if rng.random() < 0.5 else (70, 60, 120)
        out += (plate(place, (0.16, 0.1), ink),)
    return out


# Small split units are what most roofs carry; the others keep the class from meaning one shape.
EQUIPMENT: tuple[tuple[Builder, float, float], ...] = (
    (split_unit, 0.56, 0.6),
    (top_fan_unit, 0.16, 0.7),
    (packaged_unit, 0.11, 2.0),
    (roof_fan, 0.1, 0.7),
    (turbine_vent, 0.07, 0.5),
)
"""Builder, share among units, and radius in metres that it needs."""


def choose_equipment(rng: np.random.Generator) -> tuple[Builder, float]:
    """Return the builder of a random kind of unit, and the radius that it needs."""
    shares: NDArray[np.float64] = np.array([share for _, share, _ in EQUIPMENT])
    builder, _, radius = EQUIPMENT[int(rng.choice(len(EQUIPMENT), p=shares / shares.sum()))]
    return builder, radius
