# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Drains, cracks, standing water and rust, painted into a surface with their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation import classes
from roof_detector.simulation.surfaces.noise import Plane, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.surfaces.canvas import Canvas, Window

# An object's outline is where its paint covers at least this much.
LABELLED_COVER = 0.35
Uv = tuple[float, float]


def _label(canvas: Canvas, window: Window, cover: Plane, instance: int) -> None:
    canvas.ids[window][cover >= LABELLED_COVER] = instance


def paint_drain(canvas: Canvas, at: Uv, rng: np.random.Generator, *, instance: int) -> None:
    """Paint a roof outlet: a round or square grate in a collar, with a halo of dirt."""
    half = rng.uniform(0.11, 0.27)
    halo = rng.uniform(0.4, 1.3)
    window = canvas.window(at, max(halo * 1.3, 0.8))
    u, v = canvas.grid(window)
    du, dv = u - at[0], v - at[1]
    distance = np.hypot(du, dv)
    rough = canvas.noise(window, rng, feature_m=0.4, octaves=5, persistence=0.7)
    dirt = smoothstep(-distance / halo + 0.25 * rough, -1.0, 0.1)
    canvas.blend(window, dirt * np.float32(rng.uniform(0.3, 0.85)), _dirt(rng))
    turn = rng.uniform(0, np.pi / 2)
    across, along = du * np.cos(turn) + dv * np.sin(turn), dv * np.cos(turn) - du * np.sin(turn)
    square = rng.random() < 0.35
    reach = np.maximum(np.abs(across), np.abs(along)) if square else distance
    soft = canvas.metres_per_px
    collar = 1 - smoothstep(reach, half * 1.3 - soft, half * 1.3 + soft)
    level = rng.uniform(60, 190)
    canvas.blend(window, collar * np.float32(0.85), (level, level, level))
    grate = 1 - smoothstep(reach, half - soft, half + soft)
    metal = rng.uniform(25, 85)
    canvas.blend(window, grate, (metal, metal, metal))
    pitch = half / rng.uniform(2.0, 4.0)
    if square or rng.random() < 0.5:
        bars = smoothstep(np.cos(2 * np.pi * across / pitch), 0.1, 0.7)
    else:
        bars = smoothstep(np.cos(2 * np.pi * distance / pitch), 0.1, 0.7)
    canvas.blend(window, grate * bars * np.float32(0.6), (metal * 2.2,) * 3)
    _label(canvas, window, np.maximum(collar, grate), instance)


def paint_crack(canvas: Canvas, at: Uv, rng: np.random.Generator, *, instance: int) -> float:
    """Paint a branching crack as a random walk that keeps its heading; return its width.

    On a spotted roof the crack is wider, so that it can be distinguished from the spots.
    """
    length = rng.uniform(1.0, 6.0)
    window = canvas.window(at, length * 0.75 + 0.3)
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    drawn = np.zeros(shape, np.uint8)
    course = rng.uniform(0, 2 * np.pi)
    start = np.array(at) - length / 2 * np.array([np.cos(course), np.sin(course)])
    under = np.mean([plane[window] for plane in canvas.planes], axis=0)
    spots = under - cv2.GaussianBlur(under, (0, 0), 0.15 / canvas.metres_per_px)
    roughness = float(spots.std())
    first_width = rng.uniform(0.011, 0.036) * (1 + float(np.clip((roughness - 9) / 16, 0, 1.1)))
    branches = [(start, course, length, first_width)]
    waviness = rng.uniform(0.15, 0.6)
    while branches:
        point, course, left, width = branches.pop()
        lean = 0.0
        while left > 0:
            # The heading swings about the course, with short jags as the crack rounds the grit.
            lean = 0.8 * lean + rng.normal(0, waviness)
            heading = course + lean
            step = rng.uniform(0.04, 0.11)
            ahead = point + step * np.array([np.cos(heading), np.sin(heading)])
            _stroke(drawn, canvas, window, point, ahead, width_m=max(width, 0.006))
            point, left = ahead, left - step
            width *= rng.uniform(0.95, 1.045)
            if rng.random() < 0.02 and left > 0.5:
                turn = course + rng.choice([-1, 1]) * rng.uniform(0.4, 1.3)
                branches.append((point, turn, left * rng.uniform(0.25, 0.7), width * 0.7))
    cover = drawn.astype(np.float32) / 255
    level = float(np.mean(under[drawn > 0])) if drawn.any() else 128.0
    # Broken edges shine and hold dust: on dark or spotted roofs that is what shows a crack.
    if level < 95 or roughness > 15 or rng.random() < 0.35:
        reach = 0.03 + 0.5 * (first_width - 0.02)
        near = cv2.GaussianBlur(cover, (0, 0), max(reach, 0.02) / canvas.metres_per_px)
        tone = min(level * rng.uniform(1.2, 1.5) + rng.uniform(25, 60), 240.0)
        weight = np.clip(np.asarray(near, np.float32) * 3, 0, rng.uniform(0.45, 0.85))
        canvas.blend(window, weight, (tone * 0.96, tone, tone))
    else:
        wide = cv2.GaussianBlur(cover, (0, 0), 0.06 / canvas.metres_per_px)
        weight = np.clip(np.asarray(wide, np.float32) * 1.5, 0, 0.4)
        canvas.blend(window, weight, (70, 78, 84))
    canvas.blend(window, cover * np.float32(rng.uniform(0.75, 0.97)), (26, 29, 32))
    grown = cv2.dilate(drawn, np.ones((3, 3), np.uint8))
    canvas.ids[window][grown > 90] = instance
    return first_width


def _stroke(
    drawn: NDArray[np.uint8],
    canvas: Canvas,
    window: Window,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    *,
    width_m: float,
) -> None:
    """Draw a piece of line whose darkness stands for widths below a pixel."""
    corner = np.array([window[1].start, window[0].start])
    a, b = ((p / canvas.metres_per_px - 0.5 - corner) * 16 for p in (start, end))
    width = width_m / canvas.metres_per_px
    dark = int(255 * min(1.0, 0.3 + 0.7 * width))
    cv2.line(drawn, _pair(a), _pair(b), (dark,), max(round(width), 1), cv2.LINE_AA, 4)


def _pair(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def paint_ponding(canvas: Canvas, at: Uv, rng: np.random.Generator, *, instance: int) -> None:
    """Paint standing water: smooth, dark or bright with sky, with rims of dirt where it dried."""
    radius = rng.uniform(0.6, 3.0)
    window = canvas.window(at, radius * 1.7)
    u, v = canvas.grid(window)
    stretch, turn = rng.uniform(1.0, 2.2), rng.uniform(0, np.pi)
    du, dv = u - at[0], v - at[1]
    along = (du * np.cos(turn) + dv * np.sin(turn)) / stretch**0.5
    across = (dv * np.cos(turn) - du * np.sin(turn)) * stretch**0.5
    shore = canvas.noise(window, rng, feature_m=radius * 0.9, octaves=6, persistence=0.5)
    depth = (1 - np.hypot(along, across) / radius + 0.28 * shore).astype(np.float32)
    fade = 1 - smoothstep(np.hypot(du, dv) / (radius * 1.7), 0.75, 0.95)
    depth = depth * fade - (1 - fade)
    wet = smoothstep(depth, 0.18, 0.23)
    damp = smoothstep(depth, -0.08, 0.16)
    rim = np.exp(-(((depth - 0.17) / 0.045) ** 2)) * fade
    if rng.random() < 0.6:
        rim += np.float32(0.6) * np.exp(-(((depth - 0.02) / 0.03) ** 2)) * fade
    canvas.scale(window, 1 - np.float32(0.25) * damp)
    canvas.blend(window, np.clip(rim, 0, 1) * np.float32(rng.uniform(0.3, 0.8)), _dirt(rng))
    smooth_px = 0.10 / canvas.metres_per_px
    for plane in canvas.planes:
        still = cv2.GaussianBlur(plane[window], (0, 0), smooth_px)
        plane[window] += wet * np.float32(0.65) * (still - plane[window])
    deep = smoothstep(depth, 0.2, 0.9)
    murk = 1 - wet * (rng.uniform(0.3, 0.5) + 0.15 * deep)
    canvas.scale(window, np.asarray(murk, np.float32))
    if rng.random() < 0.55:
        ripple = canvas.noise(window, rng, feature_m=radius * 1.5, octaves=3)
        sky = wet * np.clip(rng.uniform(0.2, 0.65) + 0.14 * ripple, 0, 0.85).astype(np.float32)
        level = rng.uniform(150, 225)
        canvas.blend(window, sky, (level * 1.03, level * 0.97, level * rng.uniform(0.82, 0.95)))
    _label(canvas, window, wet, instance)


def paint_rust(canvas: Canvas, at: Uv, rng: np.random.Generator, *, instance: int) -> None:
    """Paint rust: patches with a ragged edge, and streaks that ran down the slope."""
    radius = rng.uniform(0.25, 1.3)
    run = rng.uniform(1.0, 3.5) if rng.random() < 0.5 else 1.0
    window = canvas.window(at, radius * run * 1.25)
    u, v = canvas.grid(window)
    du, dv = (u - at[0]) / radius, (v - at[1]) / (radius * run)
    ragged = canvas.noise(
        window, rng, feature_m=radius * 0.7, octaves=6, persistence=0.68, stretch=1 / run
    )
    inside = (1 - np.hypot(du, dv) + 0.3 * ragged).astype(np.float32)
    fade = 1 - smoothstep(np.maximum(np.abs(du), np.abs(dv)), 1.0, 1.22)
    cover = smoothstep(inside, 0.25, 0.5) * fade * np.float32(rng.uniform(0.7, 0.97))
    halo = smoothstep(inside, -0.1, 0.4) * fade
    tint = canvas.noise(window, rng, feature_m=0.15, octaves=4, persistence=0.8)
    # Thin rust lets the ground shine through; where it is thick it goes from orange to brown.
    worn = smoothstep(canvas.noise(window, rng, feature_m=0.1, octaves=3), -2.2, 0.3)
    cover = cover * (1 - np.float32(rng.uniform(0, 0.6)) * (1 - worn))
    gain, orange = rng.uniform(0.7, 1.2), rng.uniform(0.75, 1.15)
    blue, red = gain * (2 - orange), gain * (0.5 + 0.5 * orange)
    canvas.blend(window, halo * np.float32(0.3), (84 * blue, 118 * gain, 168 * red))
    canvas.blend(window, cover, (38 * blue, 72 * gain, 138 * red))
    dark = cover * smoothstep(tint, 0.2, 1.6)
    canvas.blend(window, dark, (26 * blue, 42 * gain, 78 * red))
    bright = cover * smoothstep(-tint, 0.4, 1.8) * np.float32(0.8)
    canvas.blend(window, bright, (54 * blue, 112 * gain, 192 * red))
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.05 / canvas.metres_per_px), np.float32)
    _label(canvas, window, cover, instance)


def _dirt(rng: np.random.Generator) -> tuple[float, float, float]:
    gain = rng.uniform(0.7, 1.3)
    return 44 * gain, 56 * gain, 66 * gain


Painter = Callable[..., float | None]
# Class, its painter, which returns the width of a thin object, and the radius in metres that it
# keeps free around it.
DEFECTS: dict[int, tuple[Painter, float]] = {
    classes.DRAIN: (paint_drain, 0.5),
    classes.CRACK: (paint_crack, 1.2),
    classes.PONDING: (paint_ponding, 2.0),
    classes.RUST: (paint_rust, 0.9),
}
