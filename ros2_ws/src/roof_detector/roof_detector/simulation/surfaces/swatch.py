# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Small textures for the faces of objects."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from roof_detector.simulation.surfaces.noise import Plane, fractal_noise, smoothstep
from roof_detector.simulation.surfaces.texture import Texture

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Colour

FloatImage = NDArray[np.float32]
Decoration = Callable[[FloatImage, float, np.random.Generator], None]
SWATCH_METRES_PER_PX = 0.01
SHEET_PX = 1024


def swatch(
    size_wh_m: tuple[float, float],
    colour: Colour,
    rng: np.random.Generator,
    *,
    gain: float = 1.0,
    dirt: float = 0.2,
    mottle: float = 0.05,
    decorations: tuple[Decoration, ...] = (),
    metres_per_px: float = SWATCH_METRES_PER_PX,
    alpha: NDArray[np.uint8] | None = None,
) -> Texture:
    """Paint a weathered face of a size and colour, with decorations on top."""
    width, height = (max(int(np.ceil(side / metres_per_px)), 4) for side in size_wh_m)
    pixels = np.empty((height, width, 3), np.float32)
    pixels[:] = colour
    tone, grime = _blemishes((height, width), rng)
    pixels *= (1 + np.float32(mottle) * tone)[..., None]
    if dirt > 0:
        edge = _edge_distance((height, width)) * np.float32(metres_per_px)
        weight = smoothstep(grime - 3 * edge, 0.3, 1.8)[..., None] * np.float32(dirt)
        pixels += weight * (np.array([52, 62, 70], np.float32) - pixels)
    for decoration in decorations:
        decoration(pixels, metres_per_px, rng)
    image = np.clip(pixels * gain, 0, 255).astype(np.uint8)
    return Texture.build(image, metres_per_px=metres_per_px, alpha=alpha)


@lru_cache(maxsize=1)
def _blemish_sheets() -> tuple[Plane, Plane]:
    """Make the fine mottle and the coarse grime from which every face cuts its piece."""
    rng = np.random.default_rng(20260)
    shape = (SHEET_PX, SHEET_PX)
    # Twice in each direction, so that a piece that runs over the edge is one slice.
    return (
        np.tile(fractal_noise(shape, rng, feature_px=30, octaves=3), (2, 2)),
        np.tile(fractal_noise(shape, rng, feature_px=50, octaves=4), (2, 2)),
    )


def _blemishes(shape_hw: tuple[int, int], rng: np.random.Generator) -> tuple[Plane, Plane]:
    top, left = rng.integers(0, SHEET_PX, 2)
    tone, grime = _blemish_sheets()
    if max(shape_hw) <= SHEET_PX:
        piece = (slice(top, top + shape_hw[0]), slice(left, left + shape_hw[1]))
        return tone[piece], grime[piece]
    rows = (top + np.arange(shape_hw[0])) % SHEET_PX
    columns = (left + np.arange(shape_hw[1])) % SHEET_PX
    return tone[np.ix_(rows, columns)], grime[np.ix_(rows, columns)]


def _edge_distance(shape_hw: tuple[int, int]) -> Plane:
    rows = np.minimum(np.arange(shape_hw[0]), np.arange(shape_hw[0])[::-1])
    columns = np.minimum(np.arange(shape_hw[1]), np.arange(shape_hw[1])[::-1])
    return np.minimum(rows[:, None], columns[None, :]).astype(np.float32)


def fan(
    centre: tuple[float, float], radius_m: float, *, colour: Colour, hub: Colour, rings: int = 5
) -> Decoration:
    """Return a round grille with blades beneath at a centre given in fractions of the face."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        height, width = pixels.shape[:2]
        middle = (int(centre[0] * width), int(centre[1] * height))
        radius = max(int(radius_m / metres_per_px), 2)
        cv2.circle(pixels, middle, radius, colour, -1, cv2.LINE_AA)
        turn = float(rng.uniform(0, 120))
        lighter = tuple(min(channel * 1.7 + 14, 255) for channel in colour)
        for blade in range(3):
            start = turn + blade * 120
            cv2.ellipse(
                pixels,
                middle,
                (int(radius * 0.92),) * 2,
                0,
                start,
                start + 55,
                lighter,
                -1,
                cv2.LINE_AA,
            )
        for ring in range(1, rings + 1):
            cv2.circle(pixels, middle, radius * ring // rings, hub, 1, cv2.LINE_AA)
        cv2.circle(pixels, middle, max(radius // 4, 1), hub, -1, cv2.LINE_AA)

    return draw


def ribs(spacing_m: float, *, depth: float, upright: bool = True) -> Decoration:
    """Return parallel grooves across the face."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        length = pixels.shape[1] if upright else pixels.shape[0]
        phase = rng.uniform(0, 1)
        wave = (np.arange(length) * metres_per_px / spacing_m + phase) % 1.0
        gain = (1 - depth * (wave < 0.35)).astype(np.float32)
        pixels *= gain[None, :, None] if upright else gain[:, None, None]

    return draw


def frame(width_m: float, colour: Colour) -> Decoration:
    """Return a border around the face."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        thickness = max(round(width_m / metres_per_px), 1)
        tone = np.array(colour, np.float32) * np.float32(rng.uniform(0.92, 1.05))
        for border in (
            pixels[:thickness],
            pixels[-thickness:],
            pixels[:, :thickness],
            pixels[:, -thickness:],
        ):
            border[:] = tone

    return draw


def cells(columns: int, rows: int, colour: Colour, *, width_m: float = 0.012) -> Decoration:
    """Return a grid of thin lines, as on a solar panel."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        height, width = pixels.shape[:2]
        thickness = max(round(width_m / metres_per_px), 1)
        for column in range(1, columns):
            x = width * column // columns
            pixels[:, x : x + thickness] = colour
        for row in range(1, rows):
            y = height * row // rows
            pixels[y : y + thickness] = colour

    return draw
