# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Solids: upright prisms with textured faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from roof_detector.simulation.surfaces.texture import Texture

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Solid:
    """Facets that are drawn together, and the upright box around them.

    `half_extent` is half of the box's length and width along yaw, `foot_extent` the same of the
    part that touches the roof. `instance` is the id of labelled facets, 0 for none.
    """

    facets: tuple[Facet, ...]
    base: NDArray[np.float64]
    half_extent: tuple[float, float]
    yaw: float
    height: float
    foot_extent: tuple[float, float]
    instance: int = 0

    @property
    def outline(self) -> NDArray[np.float64]:
        """Return every corner (n, 3) of the labelled facets, for their size in the image."""
        return np.concatenate(
            [facet.corners for facet in self.facets if facet.instance == self.instance]
        )


def axes_of(yaw: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unit vectors ahead and left of a heading in radians."""
    ahead = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    return ahead, np.array([-ahead[1], ahead[0], 0.0])


def box(
    base: ArrayLike,
    size_lwh: tuple[float, float, float],
    *,
    yaw: float,
    faces: Mapping[str, Texture],
    instance: int = 0,
    sink: float = 0.0,
) -> tuple[Facet, ...]:
    """Build five faces of a box whose bottom's centre stands at base.

    `faces` has 'top' and any of 'front', 'back', 'left', 'right'; a missing side shows 'side'.
    Textures are stretched by their makers to the face's size. `sink` reaches below the base.
    """
    length, width, height = size_lwh
    ahead, left = axes_of(yaw)
    foot = np.asarray(base, dtype=np.float64)
    top = foot + height * UP
    out = [
        facet_from_uv(
            Plane3(top - ahead * length / 2 + left * width / 2, ahead, -left),
            _rectangle(length, width),
            faces['top'],
            instance=instance,
        )
    ]
    # A side's u axis runs to the right as seen from outside, so that cross(v, u) points out.
    for name, outward, along, depth, span in (
        ('front', ahead, left, length, width),
        ('left', left, -ahead, width, length),
        ('back', -ahead, -left, length, width),
        ('right', -left, ahead, width, length),
    ):
        corner = top + outward * depth / 2 - along * span / 2
        out.append(
            facet_from_uv(
                Plane3(corner, along, -UP),
                _rectangle(span, height + sink),
                faces.get(name, faces.get('side', faces['top'])),
                instance=instance,
            )
        )
    return tuple(out)


def cylinder(
    base: ArrayLike,
    *,
    radius: float,
    height: float,
    top: Texture,
    sides: tuple[Texture, ...],
    instance: int = 0,
    top_radius: float | None = None,
) -> tuple[Facet, ...]:
    """Build an upright cylinder or cone frustum with as many side faces as `sides` has."""
    foot = np.asarray(base, dtype=np.float64)
    upper = radius if top_radius is None else top_radius
    count = len(sides)
    angles = 2 * np.pi * np.arange(count + 1) / count
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(count + 1)], axis=-1)
    low, high = foot + radius * ring, foot + upper * ring + height * UP
    lid_plane = Plane3(
        foot + np.array([-upper, upper, height]), np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
    )
    out = []
    for i, texture in enumerate(sides):
        along = high[i + 1] - high[i] if upper > radius else low[i + 1] - low[i]
        along = along / np.linalg.norm(along)
        down = (low[i] + low[i + 1] - high[i] - high[i + 1]) / 2
        down = down / np.linalg.norm(down)
        corners = np.stack([high[i], high[i + 1], low[i + 1], low[i]])
        origin = high[i] if upper > radius else low[i] - down * np.linalg.norm(high[i] - low[i])
        out.append(
            Facet(
                corners=corners,
                plane=Plane3(origin, along, down),
                texture=texture,
                instance=instance,
            )
        )
    out.append(Facet(corners=high[:-1], plane=lid_plane, texture=top, instance=instance))
    return tuple(out)


def _rectangle(width: float, height: float) -> NDArray[np.float64]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)


def solid_from(
    facets: tuple[Facet, ...],
    base: ArrayLike,
    *,
    half_extent: tuple[float, float],
    yaw: float = 0.0,
    instance: int = 0,
    foot_extent: tuple[float, float] | None = None,
) -> Solid:
    """Wrap facets into a Solid whose height is measured from the facets."""
    foot = np.asarray(base, dtype=np.float64)
    height = float(max(facet.corners[:, 2].max() for facet in facets) - foot[2])
    return Solid(
        facets=facets,
        base=foot,
        half_extent=half_extent,
        yaw=yaw,
        height=height,
        foot_extent=foot_extent or half_extent,
        instance=instance,
    )
