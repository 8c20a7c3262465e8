# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Clutter on roofs that carries no label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.props import litter, masonry, piping
from roof_detector.simulation.props.aerial import antenna, panel_mast
from roof_detector.simulation.props.dish import dish, large_dish
from roof_detector.simulation.surfaces.noise import fractal_noise
from roof_detector.simulation.surfaces.swatch import FloatImage, cells, frame, swatch
from roof_detector.simulation.world.facet import Plane3, facet_from_uv
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.maker import Maker

Builder = Callable[..., Solid]
CONCRETE: Colour = (150.0, 160.0, 165.0)


def skylight(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a kerbed skylight with a glass or milky plastic lid."""
    rng = make.rng
    size = (rng.uniform(0.7, 2.2), rng.uniform(0.6, 1.3), rng.uniform(0.08, 0.25))
    glass: Colour = (
        ((150, 135, 110) if rng.random() < 0.5 else (178, 184, 180))
        if rng.random() < 0.7
        else (90, 80, 70)
    )
    border = frame(0.06, (level := rng.uniform(120, 220), level, level))
    lid = (cells(int(rng.integers(1, 4)), 1, (140, 142, 140), width_m=0.03), border)
    parts = make.box(
        base, size, yaw=yaw, colour=(165, 168, 168), top=lid, top_colour=glass, dirt=0.25
    )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def hatch(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a roof hatch or plinth: a low concrete or metal block with a stained lid."""
    rng = make.rng
    size = (rng.uniform(0.5, 1.1), rng.uniform(0.5, 1.1), rng.uniform(0.1, 0.5))
    colour = _tone(rng, 110, 205)
    inner = frame(rng.uniform(0.04, 0.15), _times(colour, rng.uniform(0.85, 1.2)))
    parts = make.box(
        base,
        size,
        yaw=yaw,
        colour=colour,
        top=(inner,),
        dirt=rng.uniform(0.3, 0.8),
        top_colour=_times(colour, rng.uniform(0.5, 1.1)),
    )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def planter(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a trough with plants."""
    rng = make.rng
    size = (rng.uniform(0.6, 2.5), rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.7))

    def leaves(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        shape = (pixels.shape[0], pixels.shape[1])
        leaf = fractal_noise(shape, rng, feature_px=0.12 / metres_per_px, octaves=3)
        pixels[:] = np.array([38, 88, 70], np.float32) * np.exp(0.4 * leaf)[..., None]

    parts = make.box(
        base,
        size,
        yaw=yaw,
        colour=_tone(rng, 90, 190),
        top=(leaves, frame(0.05, CONCRETE)),
        dirt=0.4,
    )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def water_tank(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a plastic tank with a lid."""
    rng = make.rng
    radius, height = rng.uniform(0.45, 0.9), rng.uniform(0.8, 1.5)
    palette: tuple[Colour, ...] = ((40, 38, 36), (190, 195, 195), (150, 95, 45), (60, 80, 50))
    colour = palette[int(rng.integers(len(palette)))]
    parts = make.cylinder(base, radius=radius, height=height, colour=colour, count=16)
    shoulder = np.asarray(base, dtype=np.float64) + height * UP
    parts += make.cylinder(
        shoulder,
        radius=radius,
        top_radius=radius * 0.35,
        height=0.2,
        colour=colour,
        count=16,
        top_colour=_times(colour, 0.7),
    )
    return solid_from(parts, base, half_extent=(radius, radius), yaw=yaw)


def solar_panels(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a row of tilted solar panels."""
    rng = make.rng
    count = int(rng.integers(2, 7))
    width, length = count * 1.0, 1.65
    tilt = np.radians(rng.uniform(8, 25))
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64) + 0.15 * UP
    fall = -np.cos(tilt) * left - np.sin(tilt) * UP
    origin = foot - width / 2 * ahead - fall * length / 2 + np.sin(tilt) * length / 2 * UP
    plane = Plane3(origin, ahead, fall)
    colour = (70, 45, 30) if rng.random() < 0.6 else (45, 38, 34)
    texture = swatch(
        (width, length),
        colour,
        rng,
        gain=make.light.gain(plane.normal),
        dirt=0.1,
        decorations=(
            cells(6 * count, 10, (95, 75, 62)),
            cells(count, 1, (190, 190, 190), width_m=0.03),
            frame(0.03, (185, 185, 185)),
        ),
    )
    corners = np.array([[0, 0], [width, 0], [width, length], [0, length]])
    sheet = facet_from_uv(plane, corners, texture, two_sided=True)
    return solid_from((sheet,), base, half_extent=(width / 2, 0.85), yaw=yaw)


def _tone(rng: np.random.Generator, low: float, high: float) -> Colour:
    level = rng.uniform(low, high)
    return (level * rng.uniform(0.88, 1.02), level * rng.uniform(0.95, 1.02), level)


def _times(colour: Colour, gain: float) -> Colour:
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )


CLUTTER: tuple[tuple[Builder, float, float], ...] = (
    (dish, 1.3, 0.8),
    (large_dish, 0.5, 2.6),
    (antenna, 0.7, 0.5),
    (panel_mast, 0.4, 0.6),
    (skylight, 1.0, 1.2),
    (hatch, 1.0, 0.8),
    (planter, 0.5, 1.4),
    (water_tank, 0.7, 1.0),
    (solar_panels, 0.35, 2.5),
    (piping.vent_pipe, 1.3, 0.3),
    (piping.gooseneck, 0.5, 0.5),
    (piping.pipe_run, 0.8, 1.5),
    (piping.conduit, 0.9, 1.6),
    (masonry.chimney, 0.6, 0.8),
    (masonry.plinth, 1.8, 0.8),
    (masonry.kerb, 0.7, 1.1),
    (masonry.stub_wall, 0.7, 1.2),
    (litter.crate, 0.9, 0.6),
    (litter.pallet, 0.6, 0.9),
    (litter.bricks, 0.8, 0.6),
    (litter.planks, 0.6, 1.3),
    (litter.tarpaulin, 0.6, 1.5),
    (litter.barrel, 0.8, 0.4),
    (litter.washing, 0.25, 1.8),
)
"""Builder, weight among clutter, and radius in metres that it needs."""
