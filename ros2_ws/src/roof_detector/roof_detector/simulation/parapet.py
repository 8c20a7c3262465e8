# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Parapets, copings and stair heads of flat roofs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roof_detector.simulation.canvas import Colour
from roof_detector.simulation.maker import Maker
from roof_detector.simulation.roofing import Footprint
from roof_detector.simulation.solid import UP, Solid, axes_of, solid_from
from roof_detector.simulation.swatch import Decoration, ribs


def parapets(footprint: Footprint, make: Maker) -> tuple[float, tuple[Solid, ...]]:
    """Build walls along the roof's edge; return their thickness too.

    Some roofs have a plain upstand, some a metal coping, some battlements that step in and out.
    """
    rng = make.rng
    pick = rng.random()
    height = rng.uniform(0.05, 0.2) if pick < 0.3 else rng.uniform(0.25, 1.1)
    thick = rng.uniform(0.12, 0.35)
    stepped = rng.random() < 0.3
    level = rng.uniform(115, 222)
    colour: Colour = (level * rng.uniform(0.85, 1.02), level * 0.98, level)
    joints: tuple[Decoration, ...] = (ribs(rng.uniform(0.8, 2.0), depth=0.0),)
    ahead, left = axes_of(footprint.yaw)
    length, width = footprint.size
    out: list[Solid] = []
    for outward, along, reach, span, yaw in (
        (-left, ahead, width / 2, length, footprint.yaw),
        (left, ahead, width / 2, length, footprint.yaw),
        (-ahead, left, length / 2, width - 2 * thick, footprint.yaw + np.pi / 2),
        (ahead, left, length / 2, width - 2 * thick, footprint.yaw + np.pi / 2),
    ):
        count = max(round(span / rng.uniform(1.6, 3.6)), 1)
        piece = span / count
        for i in range(count):
            raised = stepped and i % 2 == 0
            deep = thick * (1.7 if raised else 1.0)
            tall = height * (1.35 if raised else 1.0)
            middle = (
                footprint.top
                + (reach - deep / 2) * outward
                + ((i + 0.5) * piece - span / 2) * along
            )
            shade = rng.uniform(0.96, 1.03)
            facets = make.box(
                middle,
                (piece, deep, tall),
                yaw=yaw,
                dirt=0.45,
                top=joints,
                colour=(colour[0] * shade, colour[1] * shade, colour[2] * shade),
            )
            out.append(solid_from(facets, middle, half_extent=(piece / 2, deep / 2), yaw=yaw))
    return thick * (1.7 if stepped else 1.0), tuple(out)


def stair_head(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build the small house over a staircase."""
    rng = make.rng
    size = (rng.uniform(2.4, 4.5), rng.uniform(2.2, 3.4), rng.uniform(2.0, 2.8))
    level = rng.uniform(120, 210)
    colour: Colour = (level * 0.92, level * 0.97, level)
    top: Colour = (level * 0.8, level * 0.84, level * 0.86)
    facets = make.box(base, size, yaw=yaw, colour=colour, top_colour=top, dirt=0.6)
    slab = np.asarray(base) + size[2] * UP
    facets += make.box(slab, (size[0] + 0.3, size[1] + 0.3, 0.12), yaw=yaw, colour=top, dirt=0.7)
    return solid_from(facets, base, half_extent=(size[0] / 2 + 0.15, size[1] / 2 + 0.15), yaw=yaw)
