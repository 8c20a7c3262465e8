# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The level plane on which the objects in the images lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roof_detector.georeference.errors import GeoError


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The height of the plane of the roofs, given in exactly one of three ways, and its sigma.

    `altitude_m` is above the WGS-84 ellipsoid, as in NavSatFix; `map_z_m` is z in the frame of the
    recorded pose, and so free of the vertical error of the fix; `height_m` is the height above the
    roofs at which the whole flight was flown.
    """

    altitude_m: float | None = None
    map_z_m: float | None = None
    height_m: float | None = None
    sigma_m: float = 1.0

    def __post_init__(self) -> None:
        given = [v for v in (self.altitude_m, self.map_z_m, self.height_m) if v is not None]
        if len(given) != 1 or not math.isfinite(given[0]):
            msg = (
                f'The ground is given as altitude {self.altitude_m}, map z {self.map_z_m} and '
                f'height {self.height_m}; give exactly one of them, in metres.'
            )
            raise GeoError(msg)
        if self.height_m is not None and self.height_m <= 0:
            msg = f'The height over the roofs is {self.height_m} m, expected above 0.'
            raise GeoError(msg)
        if not (math.isfinite(self.sigma_m) and self.sigma_m >= 0):
            msg = f"The ground's sigma is {self.sigma_m} m, expected 0 or more."
            raise GeoError(msg)
