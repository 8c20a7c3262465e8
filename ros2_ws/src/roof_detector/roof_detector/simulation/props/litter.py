# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Litter on roofs: crates, pallets, bricks, tarpaulins, barrels, washing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.lettering import lettering, word
from roof_detector.simulation.surfaces.noise import fractal_noise
from roof_detector.simulation.surfaces.swatch import (
    Decoration,
    FloatImage,
    cells,
    frame,
    ribs,
    swatch,
)
from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.rod import rod
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.maker import Maker

WOOD: tuple[Colour, ...] = ((92.0, 130.0, 165.0), (70.0, 98.0, 120.0), (125.0, 150.0, 172.0))
# No white among them: a plain white box is what a split unit looks like from above.
PLASTIC: tuple[Colour, ...] = (
    (60.0, 110.0, 150.0),
    (140.0, 80.0, 30.0),
    (50.0, 60.0, 170.0),
    (60.0, 130.0, 60.0),
    (55.0, 55.0, 55.0),
    (95.0, 130.0, 160.0),
)


def crate(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a stack of one to three boxes of card, wood or plastic, some with print."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    parts: tuple[Facet, ...] = ()
    level, size = 0.0, (0.5, 0.4, 0.3)
    widest = 0.0
    for _ in range(int(rng.integers(1, 4))):
        size = (
            float(rng.uniform(0.3, 0.7)),
            float(rng.uniform(0.3, 0.6)),
            float(rng.uniform(0.15, 0.5)),
        )
        top: tuple[Decoration, ...] = (cells(1, 2, (90, 110, 125), width_m=0.03),)
        if rng.random() < 0.4:
            top += (lettering(word(rng, letters=(2, 6)), (40, 45, 60), width=0.7),)
        parts += make.box(
            foot + level * UP,
            size,
            yaw=yaw + float(rng.normal(0, 0.15)),
            colour=_pick(rng, WOOD if rng.random() < 0.6 else PLASTIC),
            top=top,
            dirt=rng.uniform(0.1, 0.5),
        )
        level += size[2]
        widest = max(widest, size[0] / 2, size[1] / 2)
    return solid_from(parts, base, half_extent=(widest, widest), yaw=yaw)


def pallet(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a pallet, empty or with bricks or sacks on it."""
    rng = make.rng
    size = (1.2, 0.8, 0.15)
    gaps = (ribs(float(rng.uniform(0.12, 0.25)), depth=rng.uniform(0.4, 0.8)),)
    parts = make.box(base, size, yaw=yaw, colour=_pick(rng, WOOD), top=gaps, dirt=0.3)
    if rng.random() < 0.6:
        load = (
            float(rng.uniform(0.5, 1.1)),
            float(rng.uniform(0.4, 0.75)),
            float(rng.uniform(0.1, 0.7)),
        )
        brick = (75.0, 90.0, 160.0) if rng.random() < 0.5 else (150.0, 158.0, 162.0)
        courses = (cells(int(rng.integers(4, 9)), int(rng.integers(3, 8)), _dark(brick)),)
        spot = np.asarray(base, dtype=np.float64) + size[2] * UP
        parts += make.box(spot, load, yaw=yaw, colour=brick, top=courses, dirt=0.3)
    return solid_from(parts, base, half_extent=(0.6, 0.4), yaw=yaw)


def bricks(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a loose heap of bricks, blocks or paving slabs."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    level = float(rng.uniform(90, 210))
    colour = (70.0, 88.0, 155.0) if rng.random() < 0.4 else (level * 0.93, level * 0.98, level)
    length = float(rng.uniform(0.2, 0.45))
    parts: tuple[Facet, ...] = ()
    for _ in range(int(rng.integers(2, 8))):
        spot = foot + np.array([*rng.normal(0, 0.25, 2), 0.0])
        turn = yaw + float(rng.normal(0, 0.4))
        parts += make.box(spot, (length, length / 2, length / 3), yaw=turn, colour=colour)
    return solid_from(parts, base, half_extent=(0.5, 0.5), yaw=yaw, foot_extent=(0.25, 0.25))


def planks(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build boards, a ladder's length of rails or roof sheets that lie about."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    parts: tuple[Facet, ...] = ()
    colour = _pick(rng, WOOD) if rng.random() < 0.6 else (160.0, 162.0, 164.0)
    for _ in range(int(rng.integers(1, 5))):
        spot = foot + np.array([*rng.normal(0, 0.2, 2), 0.0])
        size = (float(rng.uniform(1.0, 2.8)), float(rng.uniform(0.08, 0.5)), 0.05)
        parts += make.box(spot, size, yaw=yaw + float(rng.normal(0, 0.15)), colour=colour)
    return solid_from(parts, base, half_extent=(1.3, 0.5), yaw=yaw, foot_extent=(0.8, 0.2))


def tarpaulin(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a creased sheet over something low, often weighed down at its corners."""
    rng = make.rng
    size = (
        float(rng.uniform(0.8, 3.0)),
        float(rng.uniform(0.7, 2.0)),
        float(rng.uniform(0.04, 0.45)),
    )
    colours: tuple[Colour, ...] = (
        (160.0, 90.0, 25.0),
        (70.0, 95.0, 50.0),
        (35.0, 36.0, 38.0),
        (50.0, 90.0, 170.0),
        (120.0, 122.0, 125.0),
    )

    def creases(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        shape = (pixels.shape[0], pixels.shape[1])
        fold = fractal_noise(
            shape, rng, feature_px=0.5 / metres_per_px, octaves=4, stretch=float(rng.uniform(1, 4))
        )
        pixels *= np.exp(0.3 * np.abs(fold) - 0.2)[..., None]

    parts = make.box(base, size, yaw=yaw, colour=_pick(rng, colours), top=(creases,), dirt=0.3)
    if rng.random() < 0.6:
        ahead, left = axes_of(yaw)
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            spot = np.asarray(base) + 0.45 * (a * size[0] * ahead + b * size[1] * left)
            parts += make.box(
                spot + size[2] * UP,
                (0.2, 0.12, 0.08),
                yaw=float(rng.uniform(0, 3)),
                colour=(140, 145, 150),
            )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def barrel(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a barrel, bucket or gas bottle."""
    rng = make.rng
    radius, height = float(rng.uniform(0.12, 0.32)), float(rng.uniform(0.25, 0.9))
    colour = _pick(rng, PLASTIC)
    lid = _dark(colour) if rng.random() < 0.5 else colour
    parts = make.cylinder(
        base,
        radius=radius,
        height=height,
        colour=colour,
        top_colour=lid,
        count=12,
        top=(frame(0.02, colour),),
    )
    return solid_from(parts, base, half_extent=(radius, radius), yaw=yaw)


def washing(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build two posts with clothes lines between them and washing on the lines."""
    rng = make.rng
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64)
    reach, height = float(rng.uniform(0.9, 2.0)), float(rng.uniform(1.2, 2.0))
    wire = swatch((2.0, 0.1), (170, 170, 170), rng, dirt=0)
    parts: tuple[Facet, ...] = ()
    for end in (-1, 1):
        parts += make.box(
            foot + end * reach * ahead, (0.06, 0.06, height), yaw=yaw, colour=(120, 124, 128)
        )
    for offset in np.linspace(-0.3, 0.3, int(rng.integers(1, 4))):
        middle = foot + offset * left + height * UP
        parts += (rod(middle - reach * ahead, middle + reach * ahead, 0.012, wire),)
        for start in np.arange(-reach + 0.2, reach - 0.7, 0.75):
            if rng.random() < 0.55:
                continue
            size = (float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.4, 1.0)))
            sway = float(rng.normal(0, 0.25))
            plane = Plane3(middle + start * ahead, ahead, -UP * np.cos(sway) + left * np.sin(sway))
            tone = rng.uniform(60, 240, 3)
            cloth = swatch(size, (tone[0], tone[1], tone[2]), rng, dirt=0)
            sheet = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]])
            parts += (facet_from_uv(plane, sheet, cloth, two_sided=True),)
    return solid_from(parts, base, half_extent=(reach, 0.4), yaw=yaw, foot_extent=(0.03, 0.03))


def _pick(rng: np.random.Generator, palette: tuple[Colour, ...]) -> Colour:
    tone = float(rng.uniform(0.75, 1.25))
    blue, green, red = palette[int(rng.integers(len(palette)))]
    return (min(blue * tone, 250.0), min(green * tone, 250.0), min(red * tone, 250.0))


def _dark(colour: Colour) -> Colour:
    return (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)
