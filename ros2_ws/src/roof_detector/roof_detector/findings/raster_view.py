# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Places the detections in an orthophoto, with the error of its own georeference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.ground_view import (
    OBJECT_HEIGHT_SIGMA_M,
    centres_and_corners,
    cut_boxes,
    spread_of_cut,
)
from roof_detector.findings.sightings import ORTHOGRAPHIC_M, GroundView
from roof_detector.georeference.uncertainty import Uncertainty

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.ground_view import ErrorSplit
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.georeference.raster_georeference import RasterGeoreference

# Of two independent normal errors 95 % lie within so many standard deviations of one.
_SIGMAS_OF_95 = math.sqrt(-2.0 * math.log(0.05))


def raster_sigma_m(place: RasterGeoreference) -> float:
    """Return the standard deviation of a raster's positions to the east, and to the north.

    That of plain GPS, with which most orthophotos are made, where the raster states none.
    """
    stated = place.error_m
    own = Uncertainty().horizontal_m if stated is None else stated / _SIGMAS_OF_95
    return math.hypot(own, place.accuracy_m)


def raster_view(
    place: RasterGeoreference,
    boxes_xyxy: npt.NDArray[np.float32],
    *,
    mask_areas_px: npt.NDArray[np.float64],
    size_wh: tuple[int, int],
    origin: LocalTangentPlane,
    split: ErrorSplit,
) -> GroundView:
    """Return where the boxes (n, 4) of an orthophoto are, which looks straight down everywhere.

    `mask_areas_px` (n,) is nan where there is no mask. The outline is empty: what is blank in a
    raster was not seen, so no part of it counts as searched. Raises GeoError where the raster's
    resolution cannot be told.
    """
    count = len(boxes_xyxy)
    boxes = boxes_xyxy.astype(np.float64).reshape(-1, 4)
    left, top, right, bottom = boxes.T
    pixels = centres_and_corners(boxes)
    points = _east_north(place, pixels.reshape(-1, 2), origin).reshape(-1, 5, 2)
    corners = points[:, 1:]
    sides_m = np.column_stack(
        [
            np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1),
            np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1),
        ]
    )
    sides_px = np.maximum(np.column_stack([right - left, bottom - top]), 1e-6)
    metres_per_pixel = np.sqrt((sides_m / sides_px).prod(axis=1))
    spread_px = np.hypot(split.pixel_px, split.box_share * sides_px.max(axis=1, initial=0.0))
    own = ((spread_px * metres_per_pixel) ** 2)[:, None, None] * np.eye(2)
    cut = cut_boxes(boxes, size_wh)
    centre = (size_wh[0] / 2, size_wh[1] / 2)
    return GroundView(
        positions_en=points[:, 0],
        slopes=np.zeros((count, 2)),
        own_covariance=own + spread_of_cut(corners, cut),
        turn_jacobians=np.zeros((count, 2, 3)),
        turn_covariance=np.zeros((3, 3)),
        flight_covariance=raster_sigma_m(place) ** 2 * np.eye(2),
        sides_m=sides_m,
        half_extent_en=np.ptp(corners, axis=1) / 2,
        areas_m2=mask_areas_px * metres_per_pixel**2,
        metres_per_pixel=metres_per_pixel,
        cut=cut,
        outline_en=np.zeros((0, 2)),
        camera_en=_east_north(place, np.array([centre] * 2), origin)[0],
        height_m=ORTHOGRAPHIC_M,
        height_sigma_m=OBJECT_HEIGHT_SIGMA_M,
        level_sigma_m=0.0,
        focal_px=ORTHOGRAPHIC_M / math.sqrt(math.prod(place.metres_per_pixel(centre))),
        axis=np.array([0.0, 0.0, -1.0]),
    )


def raster_origin(place: RasterGeoreference, size_wh: tuple[int, int]) -> tuple[float, float]:
    """Return latitude and longitude of the middle of a raster, nan outside of its CRS."""
    # pyproj takes an array of one number for a number, which NumPy is giving up.
    longitude, latitude = place.on_wgs84([(size_wh[0] / 2, size_wh[1] / 2)] * 2)[0]
    return float(latitude), float(longitude)


def _east_north(
    place: RasterGeoreference, pixels: npt.NDArray[np.float64], origin: LocalTangentPlane
) -> npt.NDArray[np.float64]:
    """Return pixels (n, 2) in metres east and north of the origin (n, 2), nan outside the CRS."""
    longitude, latitude = place.on_wgs84(pixels).T
    level = np.full(len(pixels), origin.altitude_m)
    known = np.isfinite(latitude)
    found = np.full((len(pixels), 2), np.nan)
    if known.any():
        geodetic = np.column_stack([latitude, longitude, level])[known]
        found[known] = origin.to_enu(geodetic)[:, :2]
    return found
