# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Things on roofs that carry no label."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from roof_detector.simulation.canvas import Colour
from roof_detector.simulation.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.maker import Maker
from roof_detector.simulation.noise import fractal_noise, smoothstep
from roof_detector.simulation.solid import UP, Solid, axes_of, solid_from
from roof_detector.simulation.swatch import Picture, cells, frame, ribs, swatch

CONCRETE: Colour = (150.0, 160.0, 165.0)


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
            picture += 0.75 * weight * (np.float32([62, 72, 96]) - picture)
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


def skylight(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a kerbed skylight with a glass or milky plastic lid."""
    rng = make.rng
    size = (rng.uniform(0.7, 2.2), rng.uniform(0.6, 1.3), rng.uniform(0.12, 0.4))
    glass: Colour = (
        ((150, 135, 110) if rng.random() < 0.5 else (215, 218, 214))
        if rng.random() < 0.7
        else (90, 80, 70)
    )
    border = frame(0.06, tuple(rng.uniform(120, 220) * np.ones(3)))  # type: ignore[arg-type]
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

    def leaves(picture: Picture, metres_per_px: float, rng: np.random.Generator) -> None:
        shape = picture.shape[:2]
        leaf = fractal_noise(shape, rng, feature_px=0.12 / metres_per_px, octaves=3)
        picture[:] = np.float32([38, 88, 70]) * np.exp(0.4 * leaf)[..., None]

    parts = make.box(
        base,
        size,
        yaw=yaw,
        colour=_tone(rng, 90, 190),
        top=(leaves, frame(0.05, CONCRETE)),
        dirt=0.4,
    )
    return solid_from(parts, base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw)


def vent_pipe(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a soil or flue pipe that ends above the roof."""
    rng = make.rng
    radius, height = rng.uniform(0.04, 0.11), rng.uniform(0.2, 0.9)
    colour = _tone(rng, 60, 225)
    parts = make.cylinder(
        base, radius=radius, height=height, colour=colour, count=8, top_colour=(35, 35, 36)
    )
    return solid_from(parts, base, half_extent=(radius, radius), yaw=yaw)


def pipe_run(base: ArrayLike, *, yaw: float, make: Maker) -> Solid:
    """Build a straight pipe or cable tray just above the roof."""
    rng = make.rng
    size = (rng.uniform(2.0, 7.0), rng.uniform(0.05, 0.22), rng.uniform(0.06, 0.2))
    tray = (ribs(0.3, depth=0.15),) if rng.random() < 0.4 else ()
    parts = make.box(base, size, yaw=yaw, colour=_tone(rng, 70, 220), top=tray, dirt=0.35)
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
    corners = [[0, 0], [width, 0], [width, length], [0, length]]
    sheet = facet_from_uv(plane, corners, texture, two_sided=True)
    return solid_from((sheet,), base, half_extent=(width / 2, 0.85), yaw=yaw)


def _rod(start: np.ndarray, end: np.ndarray, width: float, texture: object) -> Facet:
    along = end - start
    length = float(np.linalg.norm(along))
    along = along / max(length, 1e-6)
    across = np.cross(along, UP)
    if np.linalg.norm(across) < 1e-3:
        across = np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    plane = Plane3(start - across * width / 2, along, across)
    corners = [[0, 0], [length, 0], [length, width], [0, width]]
    return facet_from_uv(plane, corners, texture, two_sided=True)  # type: ignore[arg-type]


def _tone(rng: np.random.Generator, low: float, high: float) -> Colour:
    level = rng.uniform(low, high)
    return (level * rng.uniform(0.88, 1.02), level * rng.uniform(0.95, 1.02), level)


def _times(colour: Colour, gain: float) -> Colour:
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )


# Builder, weight, radius in metres that it needs.
CLUTTER = (
    (dish, 1.2, 0.8),
    (large_dish, 0.35, 2.6),
    (antenna, 0.7, 0.5),
    (skylight, 1.0, 1.2),
    (hatch, 1.2, 0.8),
    (planter, 0.6, 1.4),
    (vent_pipe, 1.6, 0.25),
    (pipe_run, 1.0, 1.5),
    (water_tank, 0.6, 1.0),
    (solar_panels, 0.35, 2.5),
)
