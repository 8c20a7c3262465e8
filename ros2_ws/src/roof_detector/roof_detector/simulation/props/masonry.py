# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masonry on roofs that carries no label: chimneys, plinths, kerbs, stub walls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.grime import BROWN, MOSS, SOOT, blotches, runs
from roof_detector.simulation.surfaces.swatch import Decoration, cells, frame
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.maker import Maker


def stone(rng: np.random.Generator) -> Colour:
    """Return a random tone of concrete, plaster or brick."""
    level = float(rng.uniform(95, 235))
    if rng.random() < 0.2:
        return (level * 0.42, level * 0.5, level * 0.85)
    return (level * float(rng.uniform(0.84, 1.0)), level * 0.98, level)


def _soil(rng: np.random.Generator) -> Decoration:
    tone = (SOOT, BROWN, MOSS)[int(rng.integers(3))]
    return blotches(float(rng.uniform(0.1, 0.85)), tone, feature_m=float(rng.uniform(0.15, 0.8)))


def chimney(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a chimney of masonry with one to three flues and soot about them."""
    rng = make.rng
    flues = int(rng.integers(1, 4))
    size = (0.35 + 0.3 * flues, float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.5, 1.8)))
    colour = stone(rng)
    bricks = (cells(4 * flues, 9, (120, 130, 135)),) if rng.random() < 0.4 else ()
    walls = dict.fromkeys(('front', 'back', 'left', 'right'), (*bricks, runs(0.5, SOOT)))
    parts = make.box(base, size, yaw=yaw, colour=colour, dirt=0.5, top=(_soil(rng),), sides=walls)
    ahead, _ = axes_of(yaw)
    head = np.asarray(base, dtype=np.float64) + size[2] * UP
    for i in range(flues):
        place = head + (i + 0.5 - flues / 2) * 0.3 * ahead
        if rng.random() < 0.5:
            parts += make.cylinder(
                place,
                radius=0.1,
                height=float(rng.uniform(0.1, 0.4)),
                count=8,
                colour=(70, 95, 150),
                top_colour=(20, 20, 20),
            )
        else:
            parts += make.box(place, (0.2, 0.2, 0.02), yaw=yaw, colour=(24, 24, 25), dirt=0)
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def plinth(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a base that lost its machine: a block with a smaller block, a hole or bolts on it."""
    rng = make.rng
    side = float(rng.uniform(0.4, 1.4))
    size = (side, side * float(rng.uniform(0.7, 1.4)), float(rng.uniform(0.06, 0.45)))
    colour = stone(rng)
    top: tuple[Decoration, ...] = (_soil(rng),)
    if rng.random() < 0.4:
        top = (frame(float(rng.uniform(0.04, 0.12)), _times(colour, rng.uniform(0.5, 1.2))), *top)
    parts = make.box(base, size, yaw=yaw, colour=colour, top=top, dirt=rng.uniform(0.2, 0.8))
    if rng.random() < 0.7:
        share, upper = rng.uniform(0.25, 0.6), float(rng.uniform(0.01, 0.25))
        inner = _times(colour, rng.uniform(0.25, 1.15))
        block = (size[0] * share, size[1] * share, upper)
        spot = np.asarray(base, dtype=np.float64) + size[2] * UP
        parts += make.box(
            spot,
            block,
            yaw=yaw,
            colour=inner,
            top_colour=_times(inner, rng.uniform(0.5, 1.1)),
            top=(_soil(rng),),
            dirt=0.6,
        )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def kerb(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a frame of low walls about a shaft, a dark pit or a planted bed."""
    rng = make.rng
    length, width = float(rng.uniform(0.6, 1.8)), float(rng.uniform(0.6, 1.4))
    thick, tall = float(rng.uniform(0.08, 0.2)), float(rng.uniform(0.1, 0.5))
    colour = stone(rng)
    floor = _times(colour, rng.uniform(0.12, 0.7))
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64)
    parts = make.box(
        foot, (length, width, 0.02), yaw=yaw, colour=floor, top=(_soil(rng),), dirt=0.8
    )
    for offset, size in (
        ((length - thick) / 2 * ahead, (thick, width, tall)),
        ((thick - length) / 2 * ahead, (thick, width, tall)),
        ((width - thick) / 2 * left, (length - 2 * thick, thick, tall)),
        ((thick - width) / 2 * left, (length - 2 * thick, thick, tall)),
    ):
        parts += make.box(foot + offset, size, yaw=yaw, colour=colour, dirt=0.5)
    return solid_from(parts, base, half_extent=(length / 2, width / 2), yaw=yaw)


def stub_wall(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a straight or cornered piece of low wall that leads nowhere."""
    rng = make.rng
    length, thick = float(rng.uniform(0.8, 3.0)), float(rng.uniform(0.1, 0.3))
    tall, colour = float(rng.uniform(0.1, 0.9)), stone(rng)
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64)
    parts = make.box(
        foot, (length, thick, tall), yaw=yaw, colour=colour, top=(_soil(rng),), dirt=0.5
    )
    half = (length / 2, thick / 2)
    if rng.random() < 0.5:
        arm = float(rng.uniform(0.3, 0.9))
        end = foot + (length - thick) / 2 * ahead + (arm + thick) / 2 * left
        parts += make.box(end, (thick, arm, tall), yaw=yaw, colour=colour, dirt=0.5)
        half = (length / 2, thick / 2 + arm)
    return solid_from(parts, base, half_extent=half, yaw=yaw, foot_extent=(length / 2, thick / 2))


def _times(colour: Colour, gain: float) -> Colour:
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )
