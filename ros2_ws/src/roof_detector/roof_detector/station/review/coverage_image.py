# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The coverage of an inspection as a small image for the map: one pixel for each cell."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.findings.coverage import CoverageGoal
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.store_reader import open_reader
from roof_detector.georeference.geopackage import outer_ring

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_MOST_PX = 4096
# Blue, green, red and opacity: well enough, seen but not so well, hardly.
_WELL, _PARTLY, _HARDLY = (87, 157, 46, 110), (32, 176, 255, 130), (69, 69, 214, 140)


@dataclass(frozen=True, eq=False)
class CoverageImage:
    """An image (height, width, 4) in BGRA, north up, with its corners in latitude and longitude.

    `bounds_deg` are the south-western and the north-eastern corner.
    """

    image_bgra: npt.NDArray[np.uint8]
    bounds_deg: tuple[tuple[float, float], tuple[float, float]]

    def png(self) -> bytes:
        """Return it as a PNG."""
        return cv2.imencode('.png', self.image_bgra)[1].tobytes()


def read_coverage(path: Path) -> CoverageImage | None:
    """Return how well each part of the roof was seen; None where the file does not tell.

    Green is what the flights had to reach, `CoverageGoal`; amber what was seen less well, and red
    where an object would rather have been missed. Raises FindingsError.
    """
    with open_reader(path) as reader:
        rows = reader.rows('SELECT geom, views, detected FROM coverage')
    if not rows:
        return None
    try:
        rings = np.array([outer_ring(geometry)[:4] for geometry, _, _ in rows], np.float64)
        values = np.array([(views or 0, detected or 0) for _, views, detected in rows], np.float64)
    except (struct.error, ValueError, TypeError) as error:
        msg = f'{path} has a coverage that cannot be read; restore it from a copy.'
        raise FindingsError(msg) from error
    low, high = rings.min(axis=1), rings.max(axis=1)
    cell = np.median(high - low, axis=0)
    corner, far = low.min(axis=0), high.max(axis=0)
    if rings.shape[1:] != (4, 2) or not (np.isfinite(rings).all() and (cell > 0).all()):
        return None
    width, height = np.rint((far - corner) / cell).astype(int).tolist()
    if max(width, height) > _MOST_PX:
        return None
    column, row = np.rint((low - corner) / cell).astype(int).T
    goal = CoverageGoal()
    views, detected = values.T
    is_well = (views >= goal.views) & (detected >= goal.detected)
    image = np.zeros((height, width, 4), np.uint8)
    image[height - 1 - np.minimum(row, height - 1), np.minimum(column, width - 1)] = np.where(
        is_well[:, None], _WELL, np.where((detected >= 0.5)[:, None], _PARTLY, _HARDLY)
    )
    west, south = map(float, corner)
    east, north = map(float, far)
    return CoverageImage(image, ((south, west), (north, east)))
