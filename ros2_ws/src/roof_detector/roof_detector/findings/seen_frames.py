# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames of an inspection with what each showed of the roof, read from its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.findings.geopackage import reading
from roof_detector.georeference.geopackage import outer_ring

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class SeenFrame:
    """The outline of what a frame showed, longitude and latitude, and the camera's height."""

    footprint_deg: tuple[tuple[float, float], ...]
    height_m: float

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north."""
        longitudes, latitudes = zip(*self.footprint_deg, strict=True)
        return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def read_seen_frames(path: Path) -> list[SeenFrame]:
    """Return the frames of a store that have a place, in their order; raise FindingsError."""
    with reading(path) as store:
        rows = store.execute(
            'SELECT geom, height_m FROM frames WHERE geom IS NOT NULL ORDER BY fid'
        ).fetchall()
    return [SeenFrame(outer_ring(geometry)[:-1], float(height_m)) for geometry, height_m in rows]
