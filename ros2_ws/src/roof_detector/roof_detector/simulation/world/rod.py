# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Thin straight bars between two points: struts, wires, booms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.solid import UP

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.texture import Texture

Vector = NDArray[np.float64]


def rod(start: Vector, end: Vector, width: float, texture: Texture, *, instance: int = 0) -> Facet:
    """Build a flat bar that turns its broad side up as far as its direction lets it."""
    along = end - start
    length = float(np.linalg.norm(along))
    along = along / max(length, 1e-6)
    across = np.cross(along, UP)
    if np.linalg.norm(across) < 1e-3:
        across = np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    plane = Plane3(start - across * width / 2, along, across)
    corners = np.array([[0, 0], [length, 0], [length, width], [0, width]])
    return facet_from_uv(plane, corners, texture, instance=instance, two_sided=True)
