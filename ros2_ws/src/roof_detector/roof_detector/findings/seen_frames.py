# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames of an inspection with what each showed of the roof, read from its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.geopackage import reading
from roof_detector.georeference.geopackage import outer_ring

if TYPE_CHECKING:
    from pathlib import Path

METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere


@dataclass(frozen=True)
class SeenFrame:
    """The outline of what a frame showed, longitude and latitude, and the camera's height.

    `size_wh` is the frame's size in pixels.
    """

    footprint_deg: tuple[tuple[float, float], ...]
    height_m: float
    size_wh: tuple[int, int]

    @property
    def metres_per_pixel(self) -> float:
        """Return the mean resolution, from the area of the outline."""
        longitudes, latitudes = np.array(self.footprint_deg).T
        scale = METRES_PER_DEGREE * np.cos(np.radians(latitudes.mean()))
        east, north = (longitudes - longitudes[0]) * scale, latitudes - latitudes[0]
        doubled = east @ np.roll(north, -1) - north @ np.roll(east, -1)
        pixels = max(self.size_wh[0] * self.size_wh[1], 1)
        return float(np.sqrt(abs(doubled) * METRES_PER_DEGREE / 2 / pixels))

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north."""
        longitudes, latitudes = zip(*self.footprint_deg, strict=True)
        return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def read_seen_frames(path: Path) -> list[SeenFrame]:
    """Return the frames of a store that have a place, in their order; raise FindingsError."""
    with reading(path) as store:
        rows = store.execute(
            'SELECT geom, height_m, width_px, height_px FROM frames '
            'WHERE geom IS NOT NULL ORDER BY fid'
        ).fetchall()
    return [
        SeenFrame(outer_ring(geometry)[:-1], float(height_m), (int(width), int(height)))
        for geometry, height_m, width, height in rows
    ]
