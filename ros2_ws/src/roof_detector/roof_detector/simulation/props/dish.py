# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Dishes, which carry no label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.surfaces.grime import BROWN, blotches
from roof_detector.simulation.surfaces.lettering import EMBLEMS, lettering, word
from roof_detector.simulation.surfaces.noise import fractal_noise, smoothstep
from roof_detector.simulation.surfaces.swatch import Decoration, FloatImage, frame, swatch
from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.rod import rod
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.maker import Maker

Vector = NDArray[np.float64]
INKS: tuple[Colour, ...] = (
    (35.0, 33.0, 32.0),
    (40.0, 40.0, 170.0),
    (150.0, 80.0, 30.0),
    (110.0, 112.0, 115.0),
)


def dish(base: ArrayLike, *, yaw: float, make: Maker, radius: float | None = None) -> Solid:
    """Build a parabolic antenna: a tilted disc on a post or tripod, with feed and struts."""
    rng = make.rng
    reach = float(rng.uniform(0.28, 0.65)) if radius is None else radius
    elevation = np.radians(rng.uniform(25, 78))
    ahead, left = axes_of(yaw)
    normal = np.cos(elevation) * ahead + np.sin(elevation) * UP
    down = np.cross(normal, left)
    foot = np.asarray(base, dtype=np.float64)
    centre = foot + (reach * np.cos(elevation) + rng.uniform(0.1, 0.5) * (0.4 + reach)) * UP
    plane = Plane3(centre - reach * left - reach * down, left, down)
    if float(plane.normal @ normal) < 0:
        plane = Plane3(centre + reach * left - reach * down, -left, down)
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ring = reach * (1 + np.stack([np.cos(angles), np.sin(angles)], axis=-1))
    level = rng.uniform(140, 250)
    texture = swatch(
        (2 * reach, 2 * reach),
        (level, level, level),
        rng,
        gain=make.light.gain(normal),
        dirt=0.15,
        decorations=(_bowl(level), *_signs(rng, reach)),
        metres_per_px=max(0.01, reach / 100),
    )
    parts, extent = _stand(foot, centre, reach, yaw, make)
    parts += (facet_from_uv(plane, ring, texture, two_sided=True),)
    focus = centre + normal * reach * rng.uniform(0.5, 0.9)
    tone = float(rng.choice([70.0, 150.0, 215.0]))
    metal = swatch((1.0, 0.1), (tone, tone, tone), rng, dirt=0)
    count = int(rng.integers(1, 5))
    first = rng.uniform(0, 2 * np.pi)
    for angle in first + 2 * np.pi * np.arange(count) / count:
        rim = plane.to_enu(reach * (1 + 0.85 * np.array([np.cos(angle), np.sin(angle)])))
        parts += (rod(rim, focus, 0.015 + 0.012 * reach, metal),)
    head = 0.06 + 0.05 * reach
    parts += make.box(focus - head / 2 * UP, (head, head, head), yaw=yaw, colour=(75, 78, 80))
    return solid_from(parts, base, half_extent=(reach, reach), yaw=yaw, foot_extent=extent)


def large_dish(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a dish of 2 to 4.5 m."""
    return dish(base, yaw=yaw, make=make, radius=float(make.rng.uniform(1.0, 2.3)))


def _stand(
    foot: Vector, centre: Vector, reach: float, yaw: float, make: Maker
) -> tuple[tuple[Facet, ...], tuple[float, float]]:
    """Build what a dish stands on, and return half of the ground that it covers too."""
    rng = make.rng
    parts: tuple[Facet, ...] = ()
    extent = (0.05 + 0.06 * reach,) * 2
    high = foot
    if rng.random() < 0.6:
        side = float(rng.uniform(0.5, 1.3) * (0.25 + 0.6 * reach))
        extent = (side / 2 * rng.uniform(1.0, 1.6), side / 2)
        tall = float(rng.uniform(0.05, 0.3))
        level = rng.uniform(120, 225)
        colour: Colour = (level * 0.93, level * 0.98, level)
        top: tuple[Decoration, ...] = (blotches(rng.uniform(0.1, 0.7), BROWN, feature_m=0.3),)
        if rng.random() < 0.4:
            top += (frame(0.05, (level * 0.7,) * 3),)
        size = (2 * extent[0], 2 * extent[1], tall)
        parts += make.box(foot, size, yaw=yaw, colour=colour, top=top, dirt=0.5)
        high = foot + tall * UP
    if rng.random() < 0.4:
        tone = float(rng.uniform(60, 190))
        steel = swatch((1.0, 0.1), (tone * 0.9, tone * 0.97, tone), rng, dirt=0.3)
        for turn in rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(3) / 3:
            out = 0.6 * reach * np.array([np.cos(turn), np.sin(turn), 0.0])
            parts += (rod(high + out, centre, 0.03 + 0.02 * reach, steel),)
    post = make.cylinder(
        high,
        radius=0.03 + 0.05 * reach,
        height=float(centre[2] - high[2]),
        colour=(120, 125, 125),
        count=8,
    )
    return parts + post, extent


def _signs(rng: np.random.Generator, reach: float) -> tuple[Decoration, ...]:
    """Draw lettering on some bowls, a maker's name or an emblem."""
    if rng.random() > (0.25 if reach < 0.7 else 0.6):
        return ()
    ink = INKS[int(rng.integers(len(INKS)))]
    turn = float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.3))
    text = word(rng, letters=(3, 9))
    out: tuple[Decoration, ...] = (
        lettering(
            text, ink, at=(0.5, rng.uniform(0.68, 0.82)), width=rng.uniform(0.4, 0.65), turn=turn
        ),
    )
    if rng.random() < 0.5:
        emblem = (
            EMBLEMS[int(rng.integers(len(EMBLEMS)))]
            if rng.random() < 0.5
            else word(rng, letters=(1, 2))
        )
        out += (
            lettering(
                emblem,
                ink,
                at=(rng.uniform(0.35, 0.65), rng.uniform(0.6, 0.7)),
                width=rng.uniform(0.06, 0.14),
                turn=turn,
            ),
        )
    return out


def _bowl(level: float) -> Decoration:
    """Return a bowl's shading, its seams, rim and where the middle corroded."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        size = pixels.shape[0]
        middle = (size // 2, size // 2)
        y, x = (np.mgrid[:size, :size].astype(np.float32) / size - 0.5) * 2
        towards = rng.uniform(0, 2 * np.pi)
        slope = np.float32(rng.uniform(0.08, 0.35)) * (np.cos(towards) * x + np.sin(towards) * y)
        pixels *= (1 + slope)[..., None]
        seams = int(rng.choice([0, 6, 8, 12, 16, 24]))
        seam = (level * rng.uniform(0.8, 1.03),) * 3
        for spoke in 2 * np.pi * np.arange(seams) / max(seams, 1):
            tip = (int(size / 2 * (1 + np.cos(spoke))), int(size / 2 * (1 + np.sin(spoke))))
            cv2.line(pixels, middle, tip, seam, 1, cv2.LINE_AA)
        if rng.random() < 0.5:
            share = rng.uniform(0.15, 0.55)
            stain = fractal_noise((size, size), rng, feature_px=size / 4, octaves=4)
            edge = rng.uniform(0.02, 0.4)
            distance = np.hypot(x, y) + np.float32(edge * 0.3) * stain
            weight = 1 - smoothstep(distance, share - edge / 2, share + edge / 2)
            tone = np.array([72, 86, 118], np.float32) * np.float32(rng.uniform(0.6, 1.4))
            pixels += np.float32(rng.uniform(0.4, 0.9)) * weight[..., None] * (tone - pixels)
        cv2.circle(pixels, middle, size // 2 - 1, (level * 0.9,) * 3, 2)
        if rng.random() < 0.3:
            ink = INKS[int(rng.integers(len(INKS)))]
            for start in rng.uniform(0, 360, int(rng.integers(1, 4))):
                cv2.ellipse(
                    pixels,
                    middle,
                    (int(size * 0.47),) * 2,
                    0,
                    start,
                    start + 22,
                    ink,
                    max(size // 25, 1),
                    cv2.LINE_AA,
                )

    return draw
