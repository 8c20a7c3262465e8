# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Weathered concrete: slabs, joints, stains inside stains, and pits where the skin came off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import Plane, smoothstep
from roof_detector.simulation.surfaces.weathering import jitter

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Canvas, Colour

SOILS: tuple[Colour, ...] = (
    (44.0, 54.0, 68.0),
    (34.0, 40.0, 46.0),
    (48.0, 70.0, 102.0),
    (62.0, 72.0, 80.0),
)


def paint_concrete(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a canvas with slabs that were painted, wore off and grew mould, or with bare ones."""
    whole = canvas.whole
    level = rng.uniform(185, 240) if rng.random() < 0.55 else rng.uniform(110, 200)
    warmth = rng.uniform(0.8, 1.0)
    canvas.fill((level * warmth, level * (0.45 + 0.55 * warmth) * 1.02, level))
    pale = canvas.noise(whole, rng, feature_m=1.2, octaves=4, stretch=1.5)
    canvas.blend(whole, 0.55 * smoothstep(pale, -0.3, 1.5), jitter((205, 208, 210), rng, 0.06))
    _, v = canvas.grid(whole)
    strip = rng.uniform(0.55, 1.5)
    index = np.floor(v / strip).astype(int)
    offsets = rng.standard_normal(int(index.max()) + 1).astype(np.float32)[index]
    # Grime gathers along the slabs and stops at their joints.
    grime = canvas.noise(
        whole,
        rng,
        feature_m=rng.uniform(0.4, 0.9),
        octaves=5,
        persistence=0.7,
        stretch=rng.uniform(1.5, 4),
    )
    soiling = rng.uniform(0.0, 1.25)
    broad = canvas.noise(whole, rng, feature_m=4.0, octaves=3)
    spread = grime + 0.45 * offsets + 0.5 * broad
    weight = smoothstep(spread, 2.1 - 1.2 * soiling, 3.2 - 0.9 * soiling)
    canvas.blend(whole, weight * np.float32(rng.uniform(0.5, 0.9)), jitter(SOILS[0], rng, 0.2))
    if rng.random() < 0.7:
        _stains_in_stains(canvas, rng, grime, broad)
    density = soiling * rng.uniform(0.3, 1.15)
    _speckle(canvas, rng, spread, density=density)
    if rng.random() < 0.5:
        _crackled(canvas, rng, broad + 0.6 * offsets, density=rng.uniform(0.2, 1.0))
    if rng.random() < 0.8:
        _joints(canvas, rng, strip)
    fine = canvas.noise(whole, rng, feature_m=0.09, octaves=3, persistence=1.0)
    canvas.scale(whole, 1 + np.float32(rng.uniform(0.04, 0.08)) * fine)


def _stains_in_stains(
    canvas: Canvas, rng: np.random.Generator, grime: Plane, broad: Plane
) -> None:
    """Lay two or three soils over each other, each within parts of the one before."""
    whole = canvas.whole
    region = smoothstep(broad + 0.5 * grime, rng.uniform(-0.3, 0.9), rng.uniform(1.2, 2.0))
    for _ in range(int(rng.integers(2, 4))):
        soil = jitter(SOILS[int(rng.integers(len(SOILS)))], rng, 0.35)
        blots = canvas.noise(
            whole,
            rng,
            feature_m=float(np.exp(rng.uniform(np.log(0.15), np.log(1.5)))),
            octaves=5,
            persistence=0.7,
            stretch=float(rng.uniform(0.5, 3)),
        )
        low = rng.uniform(-0.2, 0.9)
        cover = region * smoothstep(blots, low, low + rng.uniform(0.15, 1.0))
        canvas.blend(whole, cover * np.float32(rng.uniform(0.35, 0.9)), soil)
        region = np.clip(0.4 * region + 0.8 * cover, 0, 1)


def _crackled(canvas: Canvas, rng: np.random.Generator, spread: Plane, *, density: float) -> None:
    """Fleck the roof with fine dark islands, dense here and sparse there, as flaked paint has."""
    whole = canvas.whole
    flakes = canvas.noise(whole, rng, feature_m=rng.uniform(0.1, 0.3), octaves=4, persistence=0.85)
    threshold = np.float32(2.0 - 1.3 * density) - 0.45 * spread
    weight = smoothstep(flakes, threshold, threshold + np.float32(rng.uniform(0.1, 0.4)))
    canvas.blend(whole, weight * np.float32(rng.uniform(0.5, 0.95)), jitter(SOILS[1], rng, 0.3))


def _speckle(canvas: Canvas, rng: np.random.Generator, spread: Plane, *, density: float) -> None:
    """Strew dark pits of a few centimetres, as where paint or skin has come off."""
    if density < 0.05:
        return
    pits = canvas.noise(
        canvas.whole, rng, feature_m=rng.uniform(0.07, 0.16), octaves=3, persistence=0.6
    )
    threshold = np.float32(2.2 - 1.7 * density) - 0.35 * spread
    weight = smoothstep(pits, threshold, threshold + 0.5) * np.float32(rng.uniform(0.6, 0.95))
    canvas.blend(canvas.whole, weight, jitter((44, 54, 64), rng, 0.3))


def _joints(canvas: Canvas, rng: np.random.Generator, strip: float) -> None:
    """Draw slab joints, pale where they were sealed, and some across."""
    u, v = canvas.grid(canvas.whole)
    width = rng.uniform(0.02, 0.07)
    worn = canvas.noise(canvas.whole, rng, feature_m=0.5, octaves=3, stretch=3)
    near = np.abs((v / strip) % 1.0 - 0.5) * strip - (strip / 2 - width)
    line = smoothstep(np.broadcast_to(near, canvas.shape_hw) + 0.012 * worn, 0, width * 0.6)
    dark = rng.random() < 0.25
    tone = jitter((60, 64, 68) if dark else (208, 206, 198), rng, 0.08)
    canvas.blend(canvas.whole, line * smoothstep(worn, -2.0, 0.2) * np.float32(0.75), tone)
    pitch = rng.uniform(4, 9)
    across = np.abs((u / pitch + rng.random()) % 1.0 - 0.5) * pitch - (pitch / 2 - width)
    line = smoothstep(np.broadcast_to(across, canvas.shape_hw) + 0.02 * worn, 0, width)
    canvas.blend(canvas.whole, line * np.float32(0.7), tone)
