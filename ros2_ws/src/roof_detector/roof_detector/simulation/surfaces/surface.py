# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Roof coverings after some years of weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.concrete import paint_concrete
from roof_detector.simulation.surfaces.noise import smoothstep
from roof_detector.simulation.surfaces.pitched import paint_metal, paint_tile
from roof_detector.simulation.surfaces.weathering import jitter, weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.simulation.surfaces.canvas import Canvas, Colour

ROOF_KINDS = ('concrete', 'gravel', 'bitumen', 'membrane', 'metal', 'tile')
PITCHED_KINDS = ('metal', 'tile')


def paint_surface(kind: str, canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a canvas with a roof of a kind; u runs along the ridge, v down the slope."""
    PAINTERS[kind](canvas, rng)


def _gravel(canvas: Canvas, rng: np.random.Generator) -> None:
    whole = canvas.whole
    level = rng.uniform(105, 185)
    canvas.fill((level * rng.uniform(0.86, 1.0), level * 0.98, level))
    stones = canvas.noise(whole, rng, feature_m=0.05, octaves=3, persistence=1.2)
    canvas.scale(whole, np.clip(1 + 0.15 * stones, 0.4, 1.6))
    tint = canvas.noise(whole, rng, feature_m=0.04, octaves=2, persistence=1.2)
    canvas.blend(whole, 0.3 * smoothstep(tint, 0.8, 1.6), jitter((120, 140, 165), rng, 0.15))
    canvas.blend(whole, 0.3 * smoothstep(-tint, 0.9, 1.7), (215, 215, 212))
    bare = canvas.noise(whole, rng, feature_m=2.5, octaves=4)
    canvas.blend(whole, 0.4 * smoothstep(bare, 1.3, 2.3), (70, 72, 74))
    moss = canvas.noise(whole, rng, feature_m=1.5, octaves=5, persistence=0.7)
    canvas.blend(
        whole, 0.5 * smoothstep(moss, rng.uniform(1.2, 2.2), 3.0), jitter((48, 78, 72), rng, 0.2)
    )
    weather(canvas, rng, strength=0.5)


def _bitumen(canvas: Canvas, rng: np.random.Generator) -> None:
    whole = canvas.whole
    palette: tuple[Colour, ...] = ((62, 62, 62), (95, 95, 95), (92, 104, 92), (80, 88, 112))
    base = jitter(palette[int(rng.integers(len(palette)))], rng, 0.2)
    canvas.fill(base)
    _sheets(canvas, rng, width=1.0, contrast=rng.uniform(0.03, 0.12), lap=0.7)
    for _ in range(int(rng.integers(0, 6))):
        _patch(canvas, rng, jitter(base, rng, 0.35))
    dust = canvas.noise(whole, rng, feature_m=2.0, octaves=5)
    canvas.blend(whole, 0.35 * smoothstep(dust, 0.2, 2.2), jitter((140, 148, 152), rng, 0.1))
    granule = canvas.noise(whole, rng, feature_m=0.04, octaves=1)
    canvas.scale(whole, 1 + np.float32(0.09) * granule)
    weather(canvas, rng, strength=0.8)


def _membrane(canvas: Canvas, rng: np.random.Generator) -> None:
    level = rng.uniform(165, 232)
    base: Colour = (level * rng.uniform(0.93, 1.0), level, level)
    canvas.fill(base)
    _sheets(canvas, rng, width=rng.uniform(1.5, 3.0), contrast=0.02, lap=0.88)
    for _ in range(int(rng.integers(0, 5))):
        _patch(canvas, rng, jitter(base, rng, 0.12))
    grey = canvas.noise(canvas.whole, rng, feature_m=1.5, octaves=5, persistence=0.6)
    canvas.blend(canvas.whole, 0.5 * smoothstep(grey, 0.0, 2.5), jitter((125, 135, 140), rng, 0.1))
    weather(canvas, rng, strength=0.6)


def _sheets(
    canvas: Canvas, rng: np.random.Generator, *, width: float, contrast: float, lap: float
) -> None:
    """Lay sheets side by side with laps that catch dirt."""
    u, v = canvas.grid(canvas.whole)
    index = np.floor(v / width).astype(int)
    tone = (1 + contrast * rng.standard_normal(int(index.max()) + 1)).astype(np.float32)[index]
    canvas.scale(canvas.whole, np.broadcast_to(tone, canvas.shape_hw))
    wobble = canvas.noise(canvas.whole, rng, feature_m=0.6, octaves=2, stretch=3) * 0.008
    edge = np.abs((v / width) % 1.0 - 0.5) * width + wobble
    line = smoothstep(edge.astype(np.float32), width / 2 - 0.045, width / 2 - 0.01)
    canvas.scale(canvas.whole, 1 - (1 - lap) * line)
    length = rng.uniform(5, 10)
    starts = rng.uniform(0, length, int(index.max()) + 1).astype(np.float32)[index]
    end = np.abs(((u + starts) / length) % 1.0 - 0.5) * length
    line = smoothstep(end, length / 2 - 0.04, length / 2 - 0.01)
    canvas.scale(canvas.whole, 1 - (1 - lap) * line)


def _patch(canvas: Canvas, rng: np.random.Generator, colour: Colour) -> None:
    """Lay a repair of another tone."""
    centre = rng.uniform((0, 0), canvas.size_uv_m)
    half = rng.uniform((0.2, 0.15), (1.6, 0.8))
    turn = rng.uniform(-0.1, 0.1)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    cosine, sine = np.cos(turn), np.sin(turn)
    rotated = corners @ np.array([[cosine, sine], [-sine, cosine]]) + centre
    window, cover = canvas.polygon(rotated, soften_px=0.7)
    canvas.blend(window, cover * np.float32(rng.uniform(0.4, 0.9)), colour)


PAINTERS: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    'concrete': paint_concrete,
    'gravel': _gravel,
    'bitumen': _bitumen,
    'membrane': _membrane,
    'metal': paint_metal,
    'tile': paint_tile,
}
