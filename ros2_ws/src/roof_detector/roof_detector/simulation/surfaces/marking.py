# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Unlabelled marks that look similar to a labelled class: lettering, seams, stains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.canvas import Canvas, Colour
from roof_detector.simulation.surfaces.lettering import EMBLEMS, cover_of, placed, word
from roof_detector.simulation.surfaces.noise import smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAINTS: tuple[Colour, ...] = (
    (215.0, 220.0, 222.0),
    (40.0, 170.0, 215.0),
    (45.0, 45.0, 165.0),
    (150.0, 85.0, 35.0),
    (40.0, 42.0, 44.0),
)
Mark = Callable[[Canvas, np.random.Generator], None]


def marks(canvas: Canvas, rng: np.random.Generator, *, count: int) -> None:
    """Strew marks of all kinds over a roof."""
    shares = np.array([share for _, share in MARKS])
    for _ in range(count):
        paint, _ = MARKS[int(rng.choice(len(MARKS), p=shares / shares.sum()))]
        paint(canvas, rng)


def painted_word(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint letters, digits or an emblem, worn by feet and rain."""
    at = rng.uniform((0, 0), canvas.size_uv_m)
    width = float(rng.uniform(0.3, 2.5))
    window = canvas.window(at, width * 0.75)
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    emblem = rng.random() < 0.4
    text = EMBLEMS[int(rng.integers(len(EMBLEMS)))] if emblem else word(rng, letters=(1, 6))
    middle = at / canvas.metres_per_px - (window[1].start, window[0].start)
    cover = placed(
        cover_of(text, rng),
        shape,
        centre_xy=(float(middle[0]), float(middle[1])),
        width_px=width / canvas.metres_per_px,
        turn=float(rng.uniform(0, 2 * np.pi)),
    )
    wear = canvas.noise(window, rng, feature_m=0.3, octaves=4, persistence=0.8)
    worn = smoothstep(wear, rng.uniform(-3.0, -0.3), 0.6)
    canvas.blend(window, cover * worn * np.float32(rng.uniform(0.5, 0.95)), _paint(rng))


def painted_lines(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint straight lines, a frame or a walkway's edges."""
    at = rng.uniform((0, 0), canvas.size_uv_m)
    turn = float(rng.integers(4) * np.pi / 2 + rng.normal(0, 0.1))
    ahead = np.array([np.cos(turn), np.sin(turn)])
    left = np.array([-ahead[1], ahead[0]])
    length, breadth = float(rng.uniform(0.8, 6.0)), float(rng.uniform(0.4, 1.6))
    width, colour = float(rng.uniform(0.04, 0.15)), _paint(rng)
    corners = [at, at + length * ahead, at + length * ahead + breadth * left, at + breadth * left]
    shown = int(rng.choice([1, 2, 4]))
    for i in range(shown):
        first, second = (i, (i + 1) % 4) if shown == 4 else ((0, 1), (3, 2))[i]
        window, cover = canvas.line(np.array([corners[first], corners[second]]), width_m=width)
        wear = canvas.noise(window, rng, feature_m=0.4, octaves=4, persistence=0.8)
        canvas.blend(window, cover * smoothstep(wear, -2.0, 0.4) * np.float32(0.8), colour)


def seam(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a straight thin joint or saw cut, even in width, with a few right angles."""
    route = [rng.uniform((0, 0), canvas.size_uv_m)]
    turn = float(rng.integers(4) * np.pi / 2)
    for _ in range(int(rng.integers(1, 4))):
        step = rng.uniform(0.8, 6.0) * np.array([np.cos(turn), np.sin(turn)])
        route.append(route[-1] + step)
        turn += float(rng.choice([-1, 1]) * np.pi / 2)
    tone = float(rng.uniform(25, 90)) if rng.random() < 0.7 else float(rng.uniform(180, 225))
    width = float(rng.uniform(0.01, 0.05))
    window, cover = canvas.line(np.array(route), width_m=width, soften_px=rng.uniform(0, 0.8))
    canvas.blend(window, cover * np.float32(rng.uniform(0.3, 0.9)), (tone, tone, tone))


def mended(canvas: Canvas, rng: np.random.Generator) -> None:
    """Smear a band of sealant or tar over a repair: broad, smooth, blunt ended."""
    point = rng.uniform((0, 0), canvas.size_uv_m)
    heading, route = float(rng.uniform(0, 2 * np.pi)), [point]
    for _ in range(int(rng.integers(2, 9))):
        heading += float(rng.normal(0, 0.25))
        route.append(route[-1] + 0.5 * np.array([np.cos(heading), np.sin(heading)]))
    dark = rng.random() < 0.6
    tone = float(rng.uniform(22, 55)) if dark else float(rng.uniform(150, 225))
    line: NDArray[np.float64] = np.array(route)
    window, cover = canvas.line(line, width_m=float(rng.uniform(0.08, 0.3)), soften_px=1.2)
    canvas.blend(window, cover * np.float32(rng.uniform(0.6, 0.95)), (tone, tone, tone * 1.03))


def dried_puddle(canvas: Canvas, rng: np.random.Generator) -> None:
    """Leave the pale or dark silt and the rings of a puddle that is gone."""
    at = rng.uniform((0, 0), canvas.size_uv_m)
    radius = float(rng.uniform(0.3, 1.8))
    window = canvas.window(at, radius * 1.6)
    u, v = canvas.grid(window)
    squeeze = rng.uniform(0.7, 1.6)
    shore = canvas.noise(window, rng, feature_m=radius, octaves=5, persistence=0.5)
    distance = np.hypot((u - at[0]) * squeeze, v - at[1]) / radius
    depth = (1 - distance + 0.28 * shore).astype(np.float32)
    depth -= 2 * smoothstep(distance.astype(np.float32), 1.0, 1.4)
    silt = canvas.noise(window, rng, feature_m=0.12, octaves=3, persistence=0.9)
    inside = smoothstep(depth, 0.05, 0.4) * np.clip(0.6 + 0.3 * silt, 0, 1)
    tone = rng.uniform(0.6, 1.0) if rng.random() < 0.5 else rng.uniform(1.8, 3.2)
    colour = (58 * tone, 66 * tone, 72 * tone)
    canvas.blend(window, inside * np.float32(rng.uniform(0.15, 0.6)), colour)
    for ring in rng.uniform(0.0, 0.4, int(rng.integers(0, 4))):
        edge = np.exp(-(((depth - np.float32(ring)) / np.float32(0.025)) ** 2))
        canvas.blend(window, edge * np.float32(rng.uniform(0.1, 0.5)), (60.0, 72.0, 82.0))


def spill(canvas: Canvas, rng: np.random.Generator) -> None:
    """Splash paint, mortar or oil about a place."""
    at = rng.uniform((0, 0), canvas.size_uv_m)
    colour = _paint(rng)
    for _ in range(int(rng.integers(1, 14))):
        spot = at + rng.normal(0, 0.25, 2)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        reach = rng.uniform(0.4, 1.0, 9)[:, None] * float(rng.gamma(1.2, 0.06))
        outline = spot + reach * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        window, cover = canvas.polygon(outline, soften_px=0.6)
        canvas.blend(window, cover * np.float32(rng.uniform(0.4, 0.9)), colour)


def _paint(rng: np.random.Generator) -> Colour:
    tone = float(rng.uniform(0.7, 1.12))
    blue, green, red = PAINTS[int(rng.integers(len(PAINTS)))]
    return (min(blue * tone, 250.0), min(green * tone, 250.0), min(red * tone, 250.0))


MARKS: tuple[tuple[Mark, float], ...] = (
    (painted_word, 1.0),
    (painted_lines, 0.7),
    (seam, 1.2),
    (mended, 0.8),
    (dried_puddle, 1.4),
    (spill, 0.7),
)
"""What paints a mark, and its share among marks."""
