# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pipes above the roof that carry no label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.swatch import ribs
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.maker import Maker

PIPE_COLOURS: tuple[Colour, ...] = (
    (48.0, 62.0, 120.0),
    (190.0, 194.0, 196.0),
    (60.0, 62.0, 64.0),
    (130.0, 134.0, 136.0),
    (70.0, 100.0, 150.0),
)


def vent_pipe(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build one to four soil or flue pipes that end above the roof."""
    rng = make.rng
    ahead, _ = axes_of(yaw)
    colour = _tone(rng, 60, 225)
    parts: tuple[Facet, ...] = ()
    count = int(rng.choice([1, 1, 1, 2, 3, 4]))
    for i in range(count):
        radius, height = float(rng.uniform(0.04, 0.11)), float(rng.uniform(0.2, 0.9))
        spot = np.asarray(base, dtype=np.float64) + (i - (count - 1) / 2) * 0.28 * ahead
        parts += make.cylinder(
            spot, radius=radius, height=height, colour=colour, count=8, top_colour=(35, 35, 36)
        )
    half = 0.1 + 0.14 * (count - 1)
    return solid_from(parts, base, half_extent=(half, 0.1), yaw=yaw)


def gooseneck(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a pipe that bends over so that rain stays out."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    ahead, _ = axes_of(yaw)
    wide, height = float(rng.uniform(0.08, 0.25)), float(rng.uniform(0.3, 0.8))
    colour = _tone(rng, 90, 215)
    reach = wide * float(rng.uniform(1.6, 2.6))
    parts = make.box(foot, (wide, wide, height), yaw=yaw, colour=colour)
    parts += make.box(
        foot + reach * ahead + height * 0.4 * UP,
        (wide, wide, height * 0.6),
        yaw=yaw,
        colour=_times(colour, 0.9),
    )
    bend = foot + reach / 2 * ahead + height * UP
    parts += make.box(bend, (reach + wide, wide, wide * 0.8), yaw=yaw, colour=colour)
    return solid_from(
        parts,
        base,
        half_extent=(reach + wide / 2, wide),
        yaw=yaw,
        foot_extent=(wide / 2, wide / 2),
    )


def pipe_run(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a straight pipe or cable tray just above the roof."""
    rng = make.rng
    size = (
        float(rng.uniform(2.0, 7.0)),
        float(rng.uniform(0.05, 0.22)),
        float(rng.uniform(0.06, 0.2)),
    )
    tray = (ribs(0.3, depth=0.15),) if rng.random() < 0.4 else ()
    parts = make.box(base, size, yaw=yaw, colour=_tone(rng, 70, 220), top=tray, dirt=0.35)
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def conduit(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build one or several thin pipes side by side that turn a corner, on blocks of stone."""
    rng = make.rng
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64)
    wide, raised = float(rng.uniform(0.03, 0.11)), float(rng.uniform(0.02, 0.12))
    first, second = float(rng.uniform(1.0, 3.5)), float(rng.uniform(0.4, 2.0))
    side = float(rng.choice([-1.0, 1.0]))
    colour = _times(PIPE_COLOURS[int(rng.integers(len(PIPE_COLOURS)))], rng.uniform(0.8, 1.2))
    parts: tuple[Facet, ...] = ()
    for at in np.arange(-first / 2, first / 2, 1.1):
        block = foot + (at + 0.1) * ahead
        parts += make.box(block, (0.12, 0.25, raised), yaw=yaw, colour=(135, 140, 142))
    for i in range(int(rng.integers(1, 4))):
        shift = foot + raised * UP + i * 2.2 * wide * left
        leg = second + i * 2.2 * wide * side
        corner = shift + (first / 2 - i * 2.2 * wide) * ahead
        straight = shift - i * 1.1 * wide * ahead
        parts += make.box(straight, (first, wide, wide), yaw=yaw, colour=colour, dirt=0.35)
        turned = corner + side * leg / 2 * left
        parts += make.box(turned, (wide, leg, wide), yaw=yaw, colour=colour, dirt=0.35)
    return solid_from(
        parts, base, half_extent=(first / 2, second), yaw=yaw, foot_extent=(first / 2, wide / 2)
    )


def _tone(rng: np.random.Generator, low: float, high: float) -> Colour:
    level = float(rng.uniform(low, high))
    return (level * float(rng.uniform(0.88, 1.02)), level * float(rng.uniform(0.95, 1.02)), level)


def _times(colour: Colour, gain: float) -> Colour:
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )
