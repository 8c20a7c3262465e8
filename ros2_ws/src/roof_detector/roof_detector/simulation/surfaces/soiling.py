# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Unlabelled marks on a roof: damp, dirt at edges, pads, cables, stains other than rust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.surfaces.canvas import Canvas


def dampen(canvas: Canvas, rng: np.random.Generator, *, wetness: float) -> None:
    """Darken parts of the roof as after rain."""
    damp = canvas.noise(canvas.whole, rng, feature_m=5.0, octaves=5)
    weight = smoothstep(damp, 1.2 - 1.5 * wetness, 1.6 - 1.2 * wetness)
    canvas.scale(canvas.whole, 1 - np.float32(0.28 * wetness) * weight)


def dirty_edges(canvas: Canvas, rng: np.random.Generator, *, inset_m: float) -> None:
    """Gather dirt and mould in a ragged band at the foot of the parapets."""
    u, v = canvas.grid(canvas.whole)
    width, height = canvas.size_uv_m
    reach = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v)) - inset_m
    rough = canvas.noise(canvas.whole, rng, feature_m=1.2, octaves=6, persistence=0.65)
    band = np.exp(-np.maximum(reach, 0) / np.float32(rng.uniform(0.15, 0.8)))
    weight = smoothstep((band + 0.35 * rough * band).astype(np.float32), 0.25, 1.3)
    tone = rng.uniform(0.6, 1.3)
    colour = (42 * tone, 50 * tone, 58 * tone)
    canvas.blend(canvas.whole, weight * np.float32(rng.uniform(0.2, 0.85)), colour)


def stains(canvas: Canvas, rng: np.random.Generator, *, count: int) -> None:
    """Leave blots of brown and black dirt, duller and softer than rust or water."""
    for _ in range(count):
        at = rng.uniform((0, 0), canvas.size_uv_m)
        radius = rng.uniform(0.15, 1.1)
        window = canvas.window(at, radius * 1.5)
        u, v = canvas.grid(window)
        rough = canvas.noise(window, rng, feature_m=radius, octaves=6, persistence=0.7)
        inside = 1 - np.hypot(u - at[0], (v - at[1]) * rng.uniform(0.6, 1.6)) / radius
        fade = 1 - smoothstep(np.hypot(u - at[0], v - at[1]) / radius, 1.0, 1.4)
        weight = smoothstep((inside + 0.4 * rough).astype(np.float32), 0.1, 0.9) * fade
        tone = rng.uniform(0.6, 1.5)
        brown = rng.uniform(0.55, 1.0)
        colour = (58 * tone * brown, 62 * tone * (0.5 + 0.5 * brown), 68 * tone)
        canvas.blend(window, weight * np.float32(rng.uniform(0.3, 0.85)), colour)


def pad(canvas: Canvas, corners_uv: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Lay a slab or mat a little larger than the object that stands on it."""
    middle = corners_uv.mean(axis=0)
    grown = middle + (corners_uv - middle) * rng.uniform(1.15, 1.6)
    level = rng.uniform(45, 215)
    window, shadow = canvas.polygon(grown + 0.03, soften_px=1.5)
    canvas.scale(window, 1 - np.float32(0.35) * shadow)
    window, cover = canvas.polygon(grown, soften_px=0.5)
    canvas.blend(window, cover * np.float32(0.85), (level * 0.96, level * 0.99, level))


def leak(canvas: Canvas, rng: np.random.Generator, at: NDArray[np.float64]) -> None:
    """Darken the roof around a dripping object with soot and damp."""
    reach = float(rng.uniform(0.4, 1.2))
    middle = at + rng.normal(0, 0.3, 2)
    window = canvas.window(middle, reach * 1.4)
    u, v = canvas.grid(window)
    rough = canvas.noise(window, rng, feature_m=reach, octaves=6, persistence=0.7)
    distance = (np.hypot(u - middle[0], v - middle[1]) / reach).astype(np.float32)
    fade = 1 - smoothstep(distance, 0.9, 1.35)
    weight = smoothstep(1 - distance + 0.45 * rough, 0.1, 0.9) * fade
    tone = float(rng.uniform(0.5, 1.3))
    colour = (44 * tone, 50 * tone, 58 * tone)
    canvas.blend(window, weight * np.float32(rng.uniform(0.2, 0.8)), colour)


def cables(canvas: Canvas, rng: np.random.Generator, *, count: int) -> None:
    """Lay cables and hoses; they wander more smoothly than cracks and cast thin shadows."""
    for _ in range(count):
        start = rng.uniform((0, 0), canvas.size_uv_m)
        cable(canvas, rng, start, heading=rng.uniform(0, 2 * np.pi), pieces=rng.integers(4, 18))


def cable(
    canvas: Canvas,
    rng: np.random.Generator,
    start: NDArray[np.float64],
    *,
    heading: float,
    pieces: int,
) -> None:
    """Lay one cable from a place in half-metre pieces."""
    points = [np.asarray(start, dtype=np.float64)]
    bend = rng.uniform(0.02, 0.3)
    for _ in range(int(pieces)):
        heading += rng.normal(0, bend)
        points.append(points[-1] + 0.5 * np.array([np.cos(heading), np.sin(heading)]))
    level = float(rng.choice([28.0, 45.0, 120.0, 205.0]))
    width = float(rng.uniform(0.015, 0.05))
    route = np.array(points)
    window, shadow = canvas.line(route + 0.03, width_m=width, soften_px=1.0)
    canvas.scale(window, 1 - np.float32(0.4) * shadow)
    window, cover = canvas.line(route, width_m=width)
    canvas.blend(window, cover, (level, level, level))
