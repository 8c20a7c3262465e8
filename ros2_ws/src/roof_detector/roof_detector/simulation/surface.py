# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Roof coverings as they look after some years of weather."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from roof_detector.simulation.canvas import Canvas, Colour
from roof_detector.simulation.noise import Plane, smoothstep

ROOF_KINDS = ('concrete', 'gravel', 'bitumen', 'membrane', 'metal', 'tile')
PITCHED_KINDS = ('metal', 'tile')


def paint_surface(kind: str, canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a canvas with a roof of a kind; u runs along the ridge, v down the slope."""
    PAINTERS[kind](canvas, rng)


def _weather(canvas: Canvas, rng: np.random.Generator, *, strength: float) -> None:
    """Vary brightness at all scales and lay dark mould and pale washed patches over."""
    whole = canvas.whole
    broad = canvas.noise(whole, rng, feature_m=6.0, octaves=4)
    canvas.scale(whole, 1 + np.float32(0.06 * strength) * broad)
    mould = canvas.noise(whole, rng, feature_m=rng.uniform(0.8, 2.5), octaves=6, persistence=0.65)
    weight = smoothstep(mould, rng.uniform(0.5, 1.6), 2.4) * np.float32(0.7 * strength)
    canvas.blend(whole, weight, _jitter((42, 50, 58), rng, 0.15))
    fine = canvas.noise(whole, rng, feature_m=0.08, octaves=2)
    canvas.scale(whole, 1 + np.float32(0.05 + 0.03 * strength) * fine)


def _concrete(canvas: Canvas, rng: np.random.Generator) -> None:
    whole = canvas.whole
    level = rng.uniform(120, 222)
    warmth = rng.uniform(0.8, 1.0)
    canvas.fill((level * warmth, level * (0.45 + 0.55 * warmth) * 1.02, level))
    pale = canvas.noise(whole, rng, feature_m=1.2, octaves=4, stretch=1.5)
    canvas.blend(whole, 0.55 * smoothstep(pale, -0.3, 1.5), _jitter((195, 200, 203), rng, 0.06))
    u, v = canvas.grid(whole)
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
    soiling = rng.uniform(0.0, 1.0)
    broad = canvas.noise(whole, rng, feature_m=4.0, octaves=3)
    spread = grime + 0.45 * offsets + 0.5 * broad
    weight = smoothstep(spread, 2.1 - 1.2 * soiling, 3.2 - 0.9 * soiling)
    canvas.blend(
        whole, weight * np.float32(rng.uniform(0.5, 0.9)), _jitter((44, 54, 68), rng, 0.2)
    )
    _speckle(canvas, rng, spread, density=soiling * rng.uniform(0.3, 1.0))
    if rng.random() < 0.8:
        _joints(canvas, rng, strip)
    fine = canvas.noise(whole, rng, feature_m=0.06, octaves=2)
    canvas.scale(whole, 1 + np.float32(0.05) * fine)


def _speckle(canvas: Canvas, rng: np.random.Generator, spread: Plane, *, density: float) -> None:
    """Strew dark pits of a few centimetres, as where paint or skin has come off."""
    if density < 0.05:
        return
    pits = canvas.noise(
        canvas.whole, rng, feature_m=rng.uniform(0.07, 0.16), octaves=3, persistence=0.6
    )
    threshold = np.float32(2.2 - 1.6 * density) - 0.35 * spread
    weight = smoothstep(pits, threshold, threshold + 0.5) * np.float32(rng.uniform(0.55, 0.85))
    canvas.blend(canvas.whole, weight, _jitter((52, 62, 72), rng, 0.2))


def _joints(canvas: Canvas, rng: np.random.Generator, strip: float) -> None:
    """Draw slab joints, pale where they were sealed, and some across."""
    u, v = canvas.grid(canvas.whole)
    width = rng.uniform(0.02, 0.07)
    worn = canvas.noise(canvas.whole, rng, feature_m=0.5, octaves=3, stretch=3)
    near = np.abs((v / strip) % 1.0 - 0.5) * strip - (strip / 2 - width)
    line = smoothstep(np.broadcast_to(near, canvas.shape_hw) + 0.012 * worn, 0, width * 0.6)
    dark = rng.random() < 0.25
    tone = _jitter((60, 64, 68) if dark else (208, 206, 198), rng, 0.08)
    canvas.blend(canvas.whole, line * smoothstep(worn, -2.0, 0.2) * np.float32(0.75), tone)
    pitch = rng.uniform(4, 9)
    across = np.abs((u / pitch + rng.random()) % 1.0 - 0.5) * pitch - (pitch / 2 - width)
    line = smoothstep(np.broadcast_to(across, canvas.shape_hw) + 0.02 * worn, 0, width)
    canvas.blend(canvas.whole, line * np.float32(0.7), tone)


def _gravel(canvas: Canvas, rng: np.random.Generator) -> None:
    whole = canvas.whole
    level = rng.uniform(105, 185)
    canvas.fill((level * rng.uniform(0.86, 1.0), level * 0.98, level))
    stones = canvas.noise(whole, rng, feature_m=0.06, octaves=2, persistence=0.9)
    canvas.scale(whole, np.clip(1 + 0.2 * stones, 0.35, 1.7))
    tint = canvas.noise(whole, rng, feature_m=0.05, octaves=1)
    canvas.blend(whole, 0.3 * smoothstep(tint, 0.8, 1.6), _jitter((120, 140, 165), rng, 0.15))
    canvas.blend(whole, 0.3 * smoothstep(-tint, 0.9, 1.7), (215, 215, 212))
    bare = canvas.noise(whole, rng, feature_m=2.5, octaves=4)
    canvas.blend(whole, 0.4 * smoothstep(bare, 1.3, 2.3), (70, 72, 74))
    moss = canvas.noise(whole, rng, feature_m=1.5, octaves=5, persistence=0.7)
    canvas.blend(
        whole, 0.5 * smoothstep(moss, rng.uniform(1.2, 2.2), 3.0), _jitter((48, 78, 72), rng, 0.2)
    )
    _weather(canvas, rng, strength=0.5)


def _bitumen(canvas: Canvas, rng: np.random.Generator) -> None:
    whole = canvas.whole
    palette: tuple[Colour, ...] = ((62, 62, 62), (95, 95, 95), (92, 104, 92), (80, 88, 112))
    base = _jitter(palette[int(rng.integers(len(palette)))], rng, 0.2)
    canvas.fill(base)
    _sheets(canvas, rng, width=1.0, contrast=rng.uniform(0.03, 0.12), lap=0.7)
    for _ in range(int(rng.integers(0, 6))):
        _patch(canvas, rng, _jitter(base, rng, 0.35))
    dust = canvas.noise(whole, rng, feature_m=2.0, octaves=5)
    canvas.blend(whole, 0.35 * smoothstep(dust, 0.2, 2.2), _jitter((140, 148, 152), rng, 0.1))
    granule = canvas.noise(whole, rng, feature_m=0.04, octaves=1)
    canvas.scale(whole, 1 + np.float32(0.09) * granule)
    _weather(canvas, rng, strength=0.8)


def _membrane(canvas: Canvas, rng: np.random.Generator) -> None:
    level = rng.uniform(165, 232)
    base: Colour = (level * rng.uniform(0.93, 1.0), level, level)
    canvas.fill(base)
    _sheets(canvas, rng, width=rng.uniform(1.5, 3.0), contrast=0.02, lap=0.88)
    for _ in range(int(rng.integers(0, 5))):
        _patch(canvas, rng, _jitter(base, rng, 0.12))
    grey = canvas.noise(canvas.whole, rng, feature_m=1.5, octaves=5, persistence=0.6)
    canvas.blend(
        canvas.whole, 0.5 * smoothstep(grey, 0.0, 2.5), _jitter((125, 135, 140), rng, 0.1)
    )
    _weather(canvas, rng, strength=0.6)


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


def _metal(canvas: Canvas, rng: np.random.Generator) -> None:
    palette: tuple[Colour, ...] = (
        (170, 168, 162),
        (205, 205, 202),
        (140, 110, 70),
        (80, 105, 70),
        (55, 65, 125),
        (120, 120, 118),
        (150, 165, 172),
    )
    canvas.fill(_jitter(palette[int(rng.integers(len(palette)))], rng, 0.12))
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
        canvas.whole, 0.5 * smoothstep(streak, 0.4, 2.6), _jitter((95, 102, 108), rng, 0.15)
    )
    _weather(canvas, rng, strength=0.45)


def _tile(canvas: Canvas, rng: np.random.Generator) -> None:
    palette: tuple[Colour, ...] = ((62, 98, 178), (70, 110, 205), (70, 78, 118), (88, 88, 92))
    canvas.fill(_jitter(palette[int(rng.integers(len(palette)))], rng, 0.12))
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
        _jitter((70, 84, 84), rng, 0.2),
    )
    _weather(canvas, rng, strength=0.7)


def _jitter(colour: Colour, rng: np.random.Generator, spread: float) -> Colour:
    gain = rng.uniform(1 - spread, 1 + spread)
    blue, green, red = np.array(colour) * gain * rng.uniform(1 - spread / 4, 1 + spread / 4, 3)
    return float(min(blue, 250)), float(min(green, 250)), float(min(red, 250))


PAINTERS: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    'concrete': _concrete,
    'gravel': _gravel,
    'bitumen': _bitumen,
    'membrane': _membrane,
    'metal': _metal,
    'tile': _tile,
}
