# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Casts the pixels of an image onto the ground, with an error budget."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sin
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from roof_detector.georeference.camera_fix import CameraFix

# Flatter rays than this give useless positions on the ground, or reach the sky.
_LEAST_DIP = sin(radians(5.0))
_LARGEST_ERROR_M = 1e6


@dataclass(frozen=True, eq=False)
class GroundPoints:
    """WGS 84 degrees and the error of each point (n,); nan where a ray misses the ground.

    The true position is within `error_m` with 95 % probability or more: it is twice the square
    root of the horizontal covariance's trace (2DRMS).
    """

    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    error_m: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GroundJacobians:
    """By how much points (n,) on the ground move, in metres east and north.

    'by_position' (n, 2, 3) for each metre of the camera east, north and up, 'by_turn' (n, 2, 3)
    for each radian of its attitude about these, 'by_pixel' (n, 2, 2) for each pixel.
    """

    by_position: NDArray[np.float64]
    by_turn: NDArray[np.float64]
    by_pixel: NDArray[np.float64]


def ground_rays(fix: CameraFix, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rays (n, 3) of pixels (n, 2) in east, north, up; nan beside the ground."""
    rays = fix.lens.rays(pixels) @ fix.rotation.T
    with np.errstate(invalid='ignore'):
        seen = -rays[:, 2] > _LEAST_DIP * np.linalg.norm(rays, axis=1)
    rays[~seen] = np.nan
    return rays


def ground_points(fix: CameraFix, pixels: ArrayLike, *, pixel_px: float) -> GroundPoints:
    """Cast a ray through each pixel (n, 2) onto the level plane `height_m` below the camera.

    The centre of a pixel has integer coordinates; `pixel_px` is the standard deviation of each.
    """
    pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    rays = ground_rays(fix, pixels)
    seen = ~np.isnan(rays[:, 2])
    offsets = fix.height_m * rays[:, :2] / -rays[:, 2:]
    plane = LocalTangentPlane(fix.latitude_deg, fix.longitude_deg, fix.altitude_m)
    enu = np.column_stack([offsets, np.full(len(offsets), -fix.height_m)])
    geodetic = np.full((len(enu), 3), np.nan)
    if seen.any():
        geodetic[seen] = plane.to_geodetic(enu[seen])
    return GroundPoints(
        geodetic[:, 0], geodetic[:, 1], _errors(fix, pixels, rays, pixel_px=pixel_px)
    )


def ground_jacobians(
    fix: CameraFix, pixels: NDArray[np.float64], rays: NDArray[np.float64]
) -> GroundJacobians:
    """Return the derivatives of the ground points of pixels (n, 2) with rays (n, 3).

    With the ray r in east, north, up the offset is o = h (r_e, r_n) / -r_u, so do/dh is o / h; a
    small rotation v changes r by v x r.
    """
    count = len(rays)
    depth = -rays[:, 2]
    slope = rays[:, :2] / depth[:, None]
    by_position = np.zeros((count, 2, 3))
    by_position[:, (0, 1), (0, 1)] = 1.0
    by_position[:, :, 2] = slope
    by_ray = np.zeros((count, 2, 3))
    by_ray[:, (0, 1), (0, 1)] = (fix.height_m / depth)[:, None]
    by_ray[:, :, 2] = fix.height_m * slope / depth[:, None]
    steps = [
        (fix.lens.rays(pixels + step) - fix.lens.rays(pixels - step)) @ fix.rotation.T
        for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5]))
    ]
    return GroundJacobians(by_position, by_ray @ _turning(rays), by_ray @ np.stack(steps, axis=-1))


def _errors(
    fix: CameraFix,
    pixels: NDArray[np.float64],
    rays: NDArray[np.float64],
    *,
    pixel_px: float,
) -> NDArray[np.float64]:
    """Propagate the covariances of position, attitude and pixel to the ground, to first order."""
    jacobians = ground_jacobians(fix, pixels, rays)
    variance = (
        _trace(jacobians.by_position, fix.position_covariance)
        + _trace(jacobians.by_turn, fix.attitude_covariance)
        + _trace(jacobians.by_pixel, np.eye(2) * pixel_px**2)
    )
    return np.minimum(2 * np.sqrt(variance), _LARGEST_ERROR_M)


def _turning(rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices (n, 3, 3) that map a small rotation v to v x ray."""
    east, north, up = rays.T
    zero = np.zeros(len(rays))
    rows = [[zero, up, -north], [-up, zero, east], [north, -east, zero]]
    return np.moveaxis(np.array(rows), -1, 0)


def _trace(jacobians: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum('nij,jk,nik->n', jacobians, covariance, jacobians)
