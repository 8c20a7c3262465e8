# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sun and the sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Light:
    """The position of the sun and the share of direct light (0 overcast, 1 clear)."""

    azimuth_deg: float
    elevation_deg: float
    direct: float
    blocked: bool = False
    """Whether something stands before the sun; faces then have the light of the sky alone."""

    @property
    def to_sun(self) -> NDArray[np.float64]:
        """Return the unit vector towards the sun; azimuth counts from east to north."""
        azimuth, elevation = np.radians([self.azimuth_deg, self.elevation_deg])
        flat = np.cos(elevation)
        return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])

    @property
    def shade_strength(self) -> float:
        """Return how much a shadow on level ground darkens it."""
        return 0.12 + 0.62 * self.direct

    @property
    def shade_blur_m(self) -> float:
        """Return the width of a shadow's edge."""
        return 0.03 + 0.5 * (1 - self.direct) ** 2

    def gain(self, normal: NDArray[np.float64]) -> float:
        """Return a face's brightness relative to level ground in the open."""
        sun = self.to_sun
        sky = (1 - self.direct) * (0.55 + 0.45 * float(normal[2]))
        # Walls see half of the sky and light thrown back by the roof.
        ambient = 0.3 * (0.7 + 0.3 * float(normal[2]))
        facing = 0.0 if self.blocked else max(float(normal @ sun), 0.0)
        direct = self.direct * facing / max(sun[2], 0.3)
        level = (1 - self.direct) + 0.3 + self.direct * sun[2] / max(sun[2], 0.3)
        return float(np.clip((sky + ambient + direct) / level, 0.12, 1.5))
