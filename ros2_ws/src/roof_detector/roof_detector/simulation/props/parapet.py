# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Parapets, copings and stair heads of flat roofs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.surfaces.grime import MOSS, SOOT, blotches, runs
from roof_detector.simulation.surfaces.swatch import Decoration, ribs
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.maker import Maker
    from roof_detector.simulation.world.roofing import Footprint

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ParapetStyle:
    """The look of one building's parapet.

    `setback` is how far every other piece stands back from the edge, which makes niches; `low` is
    the height of those pieces relative to the others. `coping` is the thickness of the slabs on
    top, 0 for none, and `pilaster` the depth of the piers on the inside, 0 for none.
    """

    height: float
    thick: float
    setback: float
    low: float
    coping: float
    overhang: float
    pilaster: float
    wall: Colour
    cap: Colour
    soil: float

    @property
    def depth(self) -> float:
        """Return how far the parapet reaches in from the edge."""
        return self.thick + self.setback + self.pilaster

    @classmethod
    def draw(cls, rng: np.random.Generator) -> ParapetStyle:
        """Return a random parapet: an upstand, a wall, one with a coping, or a stepped one."""
        height = float(rng.uniform(0.05, 0.2) if rng.random() < 0.25 else rng.uniform(0.25, 1.2))
        pick = rng.random()
        level = float(rng.uniform(115, 240))
        wall = (level * float(rng.uniform(0.85, 1.02)), level * 0.98, level)
        pale = float(rng.uniform(0.8, 1.25))
        return cls(
            height=height,
            thick=float(rng.uniform(0.1, 0.35)),
            setback=float(rng.uniform(0.1, 0.8)) if pick < 0.45 else 0.0,
            low=float(rng.uniform(0.35, 1.0)) if rng.random() < 0.7 else 1.0,
            coping=float(rng.uniform(0.03, 0.1)) if rng.random() < 0.45 else 0.0,
            overhang=float(rng.uniform(0.01, 0.06)),
            pilaster=float(rng.uniform(0.08, 0.3)) if 0.45 < pick < 0.65 else 0.0,
            wall=wall,
            cap=(min(wall[0] * pale, 250), min(wall[1] * pale, 250), min(wall[2] * pale, 250)),
            soil=float(rng.uniform(0.0, 0.9)),
        )


def parapets(footprint: Footprint, make: Maker) -> tuple[float, tuple[Solid, ...]]:
    """Build walls along the roof's edge; return how far they reach in, too."""
    style = ParapetStyle.draw(make.rng)
    ahead, left = axes_of(footprint.yaw)
    length, width = footprint.size
    inner = width - 2 * style.thick
    turned = footprint.yaw + np.pi / 2
    out: list[Solid] = []
    for outward, along, reach, span, yaw in (
        (-left, ahead, width / 2, length, footprint.yaw),
        (left, ahead, width / 2, length, footprint.yaw),
        (-ahead, left, length / 2, inner, turned),
        (ahead, left, length / 2, inner, turned),
    ):
        edge = footprint.top + reach * outward
        out += _side(edge, outward, along, span=span, yaw=yaw, style=style, make=make)
    return style.depth, tuple(out)


def parapet_piece(base: ArrayLike, *, length: float, yaw: float, make: Maker) -> Solid:
    """Build one straight piece of a random parapet about its foot, along its heading."""
    style = ParapetStyle.draw(make.rng)
    size = (length, style.thick, style.height)
    return _wall(np.asarray(base, np.float64), size, yaw, style, make)


def _side(
    edge: Vector,
    outward: Vector,
    along: Vector,
    *,
    span: float,
    yaw: float,
    style: ParapetStyle,
    make: Maker,
) -> list[Solid]:
    """Build one side piece by piece, with the returns between pieces that step."""
    rng = make.rng
    out: list[Solid] = []
    count = max(round(span / rng.uniform(1.4, 4.0)), 1)
    cuts = np.linspace(-span / 2, span / 2, count + 1)
    cuts[1:-1] += rng.normal(0, 0.06 * span / count, max(count - 1, 0))
    for i, (first, last) in enumerate(pairwise(cuts)):
        # The first and the last piece stand at the edge, so that corners close.
        back = style.setback if i % 2 == 1 and i + 1 < count else 0.0
        tall = style.height * (style.low if back > 0 else 1.0)
        middle = edge - (back + style.thick / 2) * outward + (first + last) / 2 * along
        out.append(_wall(middle, (last - first, style.thick, tall), yaw, style, make))
        if back > 0:
            for end in (first, last):
                spot = edge - (back / 2 + style.thick / 2) * outward + end * along
                size = (style.thick, back + style.thick, style.height)
                out.append(_wall(spot, size, yaw, style, make))
        if style.pilaster > 0:
            size = (
                float(rng.uniform(0.15, 0.4)),
                style.pilaster,
                style.height * float(rng.uniform(0.7, 1.1)),
            )
            spot = edge - (style.thick + style.pilaster / 2) * outward + first * along
            out.append(_wall(spot, size, yaw, style, make))
    return out


def _wall(
    base: Vector,
    size: tuple[float, float, float],
    yaw: float,
    style: ParapetStyle,
    make: Maker,
) -> Solid:
    rng = make.rng
    shade = float(rng.uniform(0.94, 1.04))
    wall = (style.wall[0] * shade, style.wall[1] * shade, style.wall[2] * shade)
    soil = blotches(style.soil, SOOT if rng.random() < 0.7 else MOSS, feature_m=0.5)
    joints: tuple[Decoration, ...] = (ribs(float(rng.uniform(0.8, 2.0)), depth=0.08), soil)
    stained = runs(style.soil, SOOT)
    sides: dict[str, tuple[Decoration, ...]] = {'left': (stained,), 'right': (stained,)}
    facets: tuple[Facet, ...] = make.box(
        base, size, yaw=yaw, dirt=0.45, top=joints, colour=wall, top_colour=style.cap, sides=sides
    )
    half = (size[0] / 2, size[1] / 2)
    if style.coping > 0:
        slab = (size[0], size[1] + 2 * style.overhang, style.coping)
        spot = base + size[2] * UP
        facets += make.box(spot, slab, yaw=yaw, dirt=0.4, top=joints, colour=style.cap)
    return solid_from(facets, base, half_extent=half, yaw=yaw)


def stair_head(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build the small house over a staircase."""
    rng = make.rng
    size = (rng.uniform(2.4, 4.5), rng.uniform(2.2, 3.4), rng.uniform(2.0, 2.8))
    level = rng.uniform(120, 210)
    colour: Colour = (level * 0.92, level * 0.97, level)
    top: Colour = (level * 0.8, level * 0.84, level * 0.86)
    soil: tuple[Decoration, ...] = (blotches(float(rng.uniform(0.2, 0.8)), SOOT, feature_m=1.0),)
    facets = make.box(base, size, yaw=yaw, colour=colour, top_colour=top, dirt=0.6)
    slab = np.asarray(base) + size[2] * UP
    roof = (size[0] + 0.3, size[1] + 0.3, 0.12)
    facets += make.box(slab, roof, yaw=yaw, colour=top, top=soil, dirt=0.7)
    return solid_from(facets, base, half_extent=(size[0] / 2 + 0.15, size[1] / 2 + 0.15), yaw=yaw)
