# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The effects of weather on any surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import smoothstep

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Canvas, Colour


def weather(canvas: Canvas, rng: np.random.Generator, *, strength: float) -> None:
    """Vary brightness at all scales and lay dark mould and pale washed patches over."""
    whole = canvas.whole
    broad = canvas.noise(whole, rng, feature_m=6.0, octaves=4)
    canvas.scale(whole, 1 + np.float32(0.06 * strength) * broad)
    mould = canvas.noise(whole, rng, feature_m=rng.uniform(0.8, 2.5), octaves=6, persistence=0.65)
    weight = smoothstep(mould, rng.uniform(0.5, 1.6), 2.4) * np.float32(0.7 * strength)
    canvas.blend(whole, weight, jitter((42, 50, 58), rng, 0.15))
    fine = canvas.noise(whole, rng, feature_m=0.09, octaves=3, persistence=1.0)
    canvas.scale(whole, 1 + np.float32(0.05 + 0.03 * strength) * fine)


def jitter(colour: Colour, rng: np.random.Generator, spread: float) -> Colour:
    """Vary a colour in brightness by a share, and a quarter of that in hue."""
    gain = rng.uniform(1 - spread, 1 + spread)
    blue, green, red = np.array(colour) * gain * rng.uniform(1 - spread / 4, 1 + spread / 4, 3)
    return float(min(blue, 250)), float(min(green, 250)), float(min(red, 250))
