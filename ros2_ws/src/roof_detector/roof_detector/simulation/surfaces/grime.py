# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Dirt, labels and dents on the faces of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation.surfaces.noise import fractal_noise, smoothstep

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.surfaces.swatch import Decoration, FloatImage

SOOT: Colour = (42.0, 48.0, 54.0)
BROWN: Colour = (40.0, 62.0, 96.0)
MOSS: Colour = (48.0, 74.0, 66.0)


def blotches(strength: float, colour: Colour, *, feature_m: float = 0.4) -> Decoration:
    """Return ragged blots of dirt, stronger in some corners than in others."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        shape = (pixels.shape[0], pixels.shape[1])
        rough = fractal_noise(
            shape, rng, feature_px=feature_m / metres_per_px, octaves=5, persistence=0.65
        )
        low = float(rng.uniform(-0.2, 0.9))
        weight = smoothstep(rough, low, low + 1.0)[..., None] * np.float32(strength)
        pixels += weight * (np.array(colour, np.float32) - pixels)

    return draw


def runs(strength: float, colour: Colour) -> Decoration:
    """Return dirt that rain drew down from the upper edge of a wall or across a coping."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        height, width = pixels.shape[:2]
        rough = fractal_noise(
            (1, width), rng, feature_px=max(0.25 / metres_per_px, 2.0), octaves=4, persistence=0.8
        )
        fall = np.linspace(0, 1, height, dtype=np.float32)[:, None] / (0.25 + 0.4 * np.abs(rough))
        weight = smoothstep(rough, -0.2, 1.4) * np.exp(-fall) * np.float32(strength)
        pixels += weight[..., None] * (np.array(colour, np.float32) - pixels)

    return draw


def plate(at: tuple[float, float], size_m: tuple[float, float], colour: Colour) -> Decoration:
    """Return a maker's label with lines of small print."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        height, width = pixels.shape[:2]
        wide, tall = (max(round(side / metres_per_px), 2) for side in size_m)
        x, y = int(at[0] * max(width - wide, 0)), int(at[1] * max(height - tall, 0))
        label = pixels[y : y + tall, x : x + wide]
        label[:] = colour
        ink = np.float32(rng.uniform(0.25, 0.7))
        for row in range(1, label.shape[0] - 1, 3):
            label[row, 1 : int(label.shape[1] * rng.uniform(0.5, 1.0))] *= ink

    return draw


def dents(count: int) -> Decoration:
    """Return bent fins: smears where the grooves lie flat and shine or gape."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        height, width = pixels.shape[:2]
        for _ in range(count):
            middle = (int(rng.integers(width)), int(rng.integers(height)))
            half = (
                max(int(rng.uniform(0.02, 0.12) / metres_per_px), 1),
                max(int(rng.uniform(0.02, 0.09) / metres_per_px), 1),
            )
            tone = float(pixels.mean()) * rng.uniform(0.45, 1.35)
            cv2.ellipse(
                pixels, middle, half, rng.uniform(0, 180), 0, 360, (tone,) * 3, -1, cv2.LINE_AA
            )

    return draw
