# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A flat textured polygon in the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from roof_detector.simulation.surfaces.texture import Texture


@dataclass(frozen=True)
class Plane3:
    """A plane with its own axes: u to the texture's right, v down it, in ENU metres."""

    origin: NDArray[np.float64]
    axis_u: NDArray[np.float64]
    axis_v: NDArray[np.float64]

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        """Return the side from which the texture is seen the right way round."""
        return np.cross(self.axis_v, self.axis_u)

    def to_enu(self, uv: ArrayLike) -> NDArray[np.float64]:
        """Map metres (..., 2) on the plane to ENU (..., 3)."""
        points = np.asarray(uv, dtype=np.float64)
        return self.origin + points[..., :1] * self.axis_u + points[..., 1:2] * self.axis_v

    def to_uv(self, enu: ArrayLike) -> NDArray[np.float64]:
        """Map ENU points (..., 3) to metres (..., 2) on the plane, straight onto it."""
        offset = np.asarray(enu, dtype=np.float64) - self.origin
        return np.stack([offset @ self.axis_u, offset @ self.axis_v], axis=-1)

    def cast(self, enu: ArrayLike, to_sun: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map ENU points (..., 3) to where their shadows fall, metres (..., 2) on the plane."""
        points = np.asarray(enu, dtype=np.float64)
        height = (points - self.origin) @ self.normal
        slope = max(float(to_sun @ self.normal), 0.05)
        return self.to_uv(points - (height / slope)[..., None] * to_sun)


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A polygon (n, 3) in ENU, its plane, its texture and the instance that it shows.

    The texture covers the plane from uv (0, 0). `instance` labels the whole facet; 0 leaves it to
    the texture's own ids. `two_sided` facets are seen from behind too.
    """

    corners: NDArray[np.float64]
    plane: Plane3
    texture: Texture
    instance: int = 0
    two_sided: bool = False


def facet_from_uv(
    plane: Plane3, uv: ArrayLike, texture: Texture, *, instance: int = 0, two_sided: bool = False
) -> Facet:
    """Cut a polygon (n, 2) in metres out of a plane."""
    return Facet(
        corners=plane.to_enu(uv),
        plane=plane,
        texture=texture,
        instance=instance,
        two_sided=two_sided,
    )
