# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Trees as stacks of leafy discs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.noise import fractal_noise, smoothstep
from roof_detector.simulation.surfaces.texture import Texture
from roof_detector.simulation.world.facet import Facet, Plane3
from roof_detector.simulation.world.solid import UP, Solid, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.world.maker import Maker

LEAF_METRES_PER_PX = 0.05
# Crown's radius at rising heights, as shares of its widest radius.
PROFILE = ((0.35, 0.75), (0.5, 1.0), (0.68, 0.9), (0.85, 0.62), (1.0, 0.3))


def tree(base: ArrayLike, *, radius: float, make: Maker) -> Solid:
    """Build a tree whose crown leans away from the camera as a real one does."""
    rng = make.rng
    foot = np.asarray(base, dtype=np.float64)
    height = radius * rng.uniform(1.3, 2.4)
    east, south = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
    hue = rng.uniform(0.8, 1.25) * rng.uniform(0.9, 1.1, 3) * (42, 72, 58)
    sun = make.light.to_sun
    facets: list[Facet] = []
    for share, width in PROFILE:
        reach = radius * width
        size = max(int(2 * reach / LEAF_METRES_PER_PX), 12)
        y, x = (np.mgrid[:size, :size].astype(np.float32) / size - 0.5) * 2
        leaf = fractal_noise(
            (size, size),
            rng,
            feature_px=radius * 0.35 / LEAF_METRES_PER_PX,
            octaves=5,
            persistence=0.75,
        )
        inside = 1 - np.hypot(x, y) + 0.22 * leaf
        alpha = (255 * smoothstep(inside.astype(np.float32), 0.12, 0.2)).astype(np.uint8)
        # The sunny side and the upper layers are brighter.
        lit = 0.55 + 0.55 * share + 0.35 * make.light.direct * (x * sun[0] - y * sun[1])
        tone = np.clip(lit * np.exp(0.32 * leaf), 0.15, 2.2)
        image = np.clip(tone[..., None] * hue, 0, 255).astype(np.uint8)
        texture = Texture.build(image, metres_per_px=2 * reach / size, alpha=alpha)
        middle = foot + share * height * UP
        plane = Plane3(middle - reach * east - reach * south, east, south)
        angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        ring = reach * (1 + np.stack([np.cos(angles), np.sin(angles)], axis=-1))
        facets.append(
            Facet(corners=plane.to_enu(ring), plane=plane, texture=texture, two_sided=True)
        )
    return solid_from(tuple(facets), base, half_extent=(radius, radius))
