# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Dishes and antennas, which carry no label."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roof_detector.simulation.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.maker import Maker
from roof_detector.simulation.noise import fractal_noise, smoothstep
from roof_detector.simulation.solid import UP, Solid, axes_of, solid_from
from roof_detector.simulation.swatch import Picture, swatch
from roof_detector.simulation.texture import Texture

Vector = NDArray[np.float64]


def dish(base: ArrayLike, *, yaw: float, make: Maker, radius: float | None = None) -> Solid:
    """Build a parabolic antenna: a tilted disc on a post with feed and struts."""
    rng = make.rng
    reach = rng.uniform(0.28, 0.65) if radius is None else radius
    elevation = np.radians(rng.uniform(25, 70))
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
    light = make.light.gain(normal)
    level = rng.uniform(140, 240)

    def bowl(picture: Picture, metres_per_px: float, rng: np.random.Generator) -> None:
        size = picture.shape[0]
        y, x = (np.mgrid[:size, :size].astype(np.float32) / size - 0.5) * 2
        slope = np.float32(rng.uniform(0.08, 0.3)) * (
            np.cos(rng.uniform(0, 6.3)) * x + np.sin(rng.uniform(0, 6.3)) * y
        )
        picture *= (1 + slope)[..., None]
        for spoke in np.arange(0, 2 * np.pi, np.pi / 8):
            tip = (int(size / 2 * (1 + np.cos(spoke))), int(size / 2 * (1 + np.sin(spoke))))
            cv2.line(picture, (size // 2, size // 2), tip, (level * 0.88,) * 3, 1, cv2.LINE_AA)
        if rng.random() < 0.5:
            stain = fractal_noise((size, size), rng, feature_px=size / 4, octaves=4)
            weight = smoothstep(stain - 5 * np.hypot(x, y) + 2.0, 0.0, 0.5)[..., None]
            picture += 0.75 * weight * (np.array([62, 72, 96], np.float32) - picture)
        cv2.circle(picture, (size // 2, size // 2), size // 2 - 1, (level * 0.9,) * 3, 2)

    texture = swatch(
        (2 * reach, 2 * reach),
        (level, level, level),
        rng,
        gain=light,
        dirt=0.15,
        decorations=(bowl,),
        metres_per_px=max(0.01, reach / 100),
    )
    parts: tuple[Facet, ...] = make.cylinder(
        foot,
        radius=0.04 + 0.06 * reach,
        height=float(centre[2] - foot[2]),
        colour=(120, 125, 125),
        count=8,
    )
    parts += (facet_from_uv(plane, ring, texture, two_sided=True),)
    focus = centre + normal * reach * 0.8
    dark = swatch((1.0, 0.1), (70, 72, 75), rng, dirt=0)
    for angle in (0.5, 2.6, 4.7):
        rim = plane.to_enu(reach * (1 + 0.85 * np.array([np.cos(angle), np.sin(angle)])))
        parts += (_rod(rim, focus, 0.02 + 0.012 * reach, dark),)
    head = 0.06 + 0.05 * reach
    parts += make.box(focus - head / 2 * UP, (head, head, head), yaw=yaw, colour=(75, 78, 80))
    return solid_from(parts, base, half_extent=(reach, reach), yaw=yaw)


def large_dish(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a dish of 2.4 to 4.5 m."""
    return dish(base, yaw=yaw, make=make, radius=float(make.rng.uniform(1.2, 2.3)))


def antenna(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a mast with a Yagi antenna's boom and rods."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    height = rng.uniform(1.2, 3.5)
    metal = swatch((2.0, 0.1), (170, 172, 174), rng, dirt=0)
    top = foot + height * UP
    ahead, left = axes_of(yaw)
    parts: tuple[Facet, ...] = make.box(foot, (0.05, 0.05, height), yaw=yaw, colour=(140,) * 3)
    reach = rng.uniform(0.4, 0.9)
    parts += (_rod(top - reach * ahead, top + reach * ahead, 0.03, metal),)
    for step in np.linspace(-0.95, 0.95, int(rng.integers(5, 11))):
        middle = top + step * reach * ahead
        span = (0.25 + 0.12 * step) * left
        parts += (_rod(middle - span, middle + span, 0.014, metal),)
    return solid_from(parts, base, half_extent=(0.3, 0.3), yaw=yaw)


def _rod(start: Vector, end: Vector, width: float, texture: Texture) -> Facet:
    along = end - start
    length = float(np.linalg.norm(along))
    along = along / max(length, 1e-6)
    across = np.cross(along, UP)
    if np.linalg.norm(across) < 1e-3:
        across = np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    plane = Plane3(start - across * width / 2, along, across)
    corners = np.array([[0, 0], [length, 0], [length, width], [0, width]])
    return facet_from_uv(plane, corners, texture, two_sided=True)
