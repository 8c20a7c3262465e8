# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The land around the buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import smoothstep

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Canvas

GROUND_METRES_PER_PX = 0.07


def paint_ground(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover the land with grass, worn soil, roads and paved yards."""
    whole = canvas.whole
    green = rng.uniform(0.6, 1.15)
    dry = rng.uniform(0, 1)
    canvas.fill((green * (44 + 22 * dry), green * 92, green * (68 + 32 * dry)))
    blades = canvas.noise(whole, rng, feature_m=0.5, octaves=4, persistence=1.0)
    canvas.scale(whole, np.clip(1 + 0.2 * blades, 0.4, 1.8))
    broad = canvas.noise(whole, rng, feature_m=9.0, octaves=5)
    canvas.blend(whole, 0.5 * smoothstep(broad, 0.0, 1.8), (60, 110, 118))
    soil = smoothstep(broad + 0.3 * blades, rng.uniform(0.8, 2.0), 2.4)
    canvas.blend(whole, 0.85 * soil, (88, 118, 150))
    for _ in range(int(rng.integers(1, 4))):
        _strip(canvas, rng, road=True)
    for _ in range(int(rng.integers(1, 4))):
        _strip(canvas, rng, road=False)
    fine = canvas.noise(whole, rng, feature_m=0.15, octaves=2)
    canvas.scale(whole, 1 + np.float32(0.05) * fine)


def _strip(canvas: Canvas, rng: np.random.Generator, *, road: bool) -> None:
    """Lay a road of asphalt or a path of paving stones across the land."""
    whole = canvas.whole
    u, v = canvas.grid(whole)
    turn = rng.uniform(0, np.pi)
    middle = rng.uniform(0.05, 0.95, 2) * canvas.size_uv_m
    wave = rng.uniform(0, 2.5) * np.sin((u + v) / rng.uniform(15, 40) + rng.uniform(0, 6))
    along = (u - middle[0]) * np.cos(turn) + (v - middle[1]) * np.sin(turn)
    across = (v - middle[1]) * np.cos(turn) - (u - middle[0]) * np.sin(turn)
    half = rng.uniform(2.2, 5.0) if road else rng.uniform(0.8, 4.0)
    if road:
        across = across + wave
    edge = canvas.noise(whole, rng, feature_m=0.8, octaves=3) * (0.08 if road else 0.01)
    cover = 1 - smoothstep((np.abs(across) + edge).astype(np.float32), half - 0.06, half + 0.06)
    if road:
        level = rng.uniform(60, 130)
        dusty = rng.random() < 0.25
        colour = (level * 0.72, level * 0.95, level * 1.25) if dusty else (level, level, level)
        canvas.blend(whole, cover, colour)
        worn = canvas.noise(whole, rng, feature_m=3.0, octaves=5)
        canvas.scale(whole, 1 + 0.1 * cover * worn)
        if not dusty and rng.random() < 0.6:
            dash = (np.abs(across) < 0.07) & ((along / 4) % 1.0 < 0.5)
            canvas.blend(whole, 0.7 * dash.astype(np.float32), (205, 208, 210))
        return
    side = rng.uniform(0.3, 0.6)
    tone = rng.uniform(95, 175)
    canvas.blend(whole, cover, (tone * rng.uniform(0.6, 1.0), tone * rng.uniform(0.93, 1.0), tone))
    joint = np.minimum(np.abs((along / side) % 1 - 0.5), np.abs((across / side) % 1 - 0.5))
    canvas.scale(whole, 1 - 0.35 * cover * smoothstep((0.5 - joint).astype(np.float32), 0.42, 0.5))
    stains = canvas.noise(whole, rng, feature_m=1.0, octaves=4)
    canvas.scale(whole, 1 + 0.12 * cover * stains)
