# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Coverings of pitched roofs: metal sheets and tiles; u runs along the ridge, v down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import smoothstep
from roof_detector.simulation.surfaces.weathering import jitter, weather

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Canvas, Colour


def paint_metal(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a canvas with trapezoidal or standing-seam sheets."""
    palette: tuple[Colour, ...] = (
        (170, 168, 162),
        (205, 205, 202),
        (140, 110, 70),
        (80, 105, 70),
        (55, 65, 125),
        (120, 120, 118),
        (150, 165, 172),
    )
    canvas.fill(jitter(palette[int(rng.integers(len(palette)))], rng, 0.12))
    u, v = canvas.grid(canvas.whole)
    seam = rng.random() < 0.4
    pitch = rng.uniform(0.35, 0.6) if seam else rng.uniform(0.2, 0.35)
    phase = ((u / pitch) % 1.0).astype(np.float32)
    lit, dim = rng.uniform(1.05, 1.3), rng.uniform(0.55, 0.85)
    if seam:
        profile = np.where(phase < 0.06, lit, np.where(phase < 0.14, dim, 1.0))
    else:
        profile = np.where(
            phase < 0.35, 1.0, np.where(phase < 0.5, dim, np.where(phase < 0.85, 0.93, lit))
        )
    canvas.scale(canvas.whole, profile.astype(np.float32))
    sheet = np.floor(u / (pitch * rng.integers(3, 7))).astype(int)
    tone = (1 + 0.035 * rng.standard_normal(int(sheet.max()) + 1)).astype(np.float32)[sheet]
    canvas.scale(canvas.whole, tone)
    length = rng.uniform(3, 7)
    lap = smoothstep(
        np.abs((v / length + rng.random()) % 1.0 - 0.5) * length,
        length / 2 - 0.05,
        length / 2 - 0.01,
    )
    canvas.scale(canvas.whole, 1 - np.float32(0.25) * lap)
    streak = canvas.noise(canvas.whole, rng, feature_m=3.0, octaves=5, stretch=0.07)
    canvas.blend(
        canvas.whole, 0.5 * smoothstep(streak, 0.4, 2.6), jitter((95, 102, 108), rng, 0.15)
    )
    weather(canvas, rng, strength=0.45)


def paint_tile(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a canvas with rows of clay or concrete tiles."""
    palette: tuple[Colour, ...] = ((62, 98, 178), (70, 110, 205), (70, 78, 118), (88, 88, 92))
    canvas.fill(jitter(palette[int(rng.integers(len(palette)))], rng, 0.12))
    u, v = canvas.grid(canvas.whole)
    wide, tall = rng.uniform(0.2, 0.3), rng.uniform(0.28, 0.4)
    row = np.floor(v / tall).astype(int)
    shift = (row % 2) * 0.5 * float(rng.random() < 0.5)
    across = (u / wide + shift).astype(np.float32)
    column = np.floor(across).astype(int)
    tones = rng.standard_normal((int(row.max()) + 1, int(column.max()) + 2)).astype(np.float32)
    canvas.scale(canvas.whole, 1 + np.float32(rng.uniform(0.04, 0.1)) * tones[row, column])
    canvas.scale(canvas.whole, 0.86 + 0.22 * np.sin(np.pi * (across % 1.0)))
    down = ((v / tall) % 1.0).astype(np.float32)
    canvas.scale(canvas.whole, 1.06 - 0.5 * smoothstep(down, 0.82, 1.0) - 0.05 * down)
    lichen = canvas.noise(canvas.whole, rng, feature_m=0.5, octaves=4, persistence=0.7)
    canvas.blend(
        canvas.whole,
        0.55 * smoothstep(lichen, rng.uniform(0.5, 1.8), 2.8),
        jitter((70, 84, 84), rng, 0.2),
    )
    weather(canvas, rng, strength=0.7)
