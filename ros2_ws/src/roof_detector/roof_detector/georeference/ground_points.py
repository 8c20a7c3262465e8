# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Casts the pixels of an image onto the ground, with an error budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import radians, sin
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from roof_detector.georeference.camera_fix import CameraFix

# Flatter rays than this give useless positions on the ground, or reach the sky.
_LEAST_DIP = sin(radians(5.0))
_LARGEST_ERROR_M = 1e6


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundPoints:
    """WGS 84 degrees and the error of each point (n,); nan where a ray misses the ground.

    The true position is within `error_m` with 95 % probability or more: it is twice the square
    root of the horizontal covariance's trace (2DRMS). `errors_m` are the same by cause: position,
    height, ground, attitude, pixel, time; their squares add up to the whole. `reasons` says, by
    number, why a point is missing, where it is known.
    """

    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    error_m: NDArray[np.float64]
    errors_m: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    reasons: Mapping[int, str] = field(default_factory=dict)


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
    """Cast a ray through each pixel (n, 2) onto the ground of a fix.

    That is a raster of heights where the ground has one, else a level plane `height_m` below the
    camera. The centre of a pixel has integer coordinates; `pixel_px` is the standard deviation of
    each.
    """
    pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    rays = ground_rays(fix, pixels)
    plane = LocalTangentPlane(fix.latitude_deg, fix.longitude_deg, fix.altitude_m)
    model = fix.ground.model if fix.ground is not None else None
    if model is None or fix.ground is None:
        enu = fix.height_m * rays / -rays[:, 2:]
        normals = np.tile([0.0, 0.0, 1.0], (len(rays), 1))
        reasons: dict[int, str] = {}
    else:
        hits = model.cast(plane, rays, raised_m=fix.ground.raised_m)
        enu, normals, reasons = hits.enu, hits.normals, hits.reasons
    geodetic = np.full((len(enu), 3), np.nan)
    seen = ~np.isnan(enu[:, 2])
    if seen.any():
        geodetic[seen] = plane.to_geodetic(enu[seen])
    variances = _variances(fix, pixels, rays, enu, normals, pixel_px=pixel_px)
    return GroundPoints(
        latitude_deg=geodetic[:, 0],
        longitude_deg=geodetic[:, 1],
        error_m=_radius_m(sum(variances.values())),
        errors_m={cause: _radius_m(one) for cause, one in variances.items()},
        reasons=reasons,
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


def _variances(
    fix: CameraFix,
    pixels: NDArray[np.float64],
    rays: NDArray[np.float64],
    enu: NDArray[np.float64],
    normals: NDArray[np.float64],
    *,
    pixel_px: float,
) -> dict[str, NDArray[np.float64]]:
    """Return the variances (n,) of points (n, 3) by cause, to first order, in square metres.

    A point p = c + t r lies on a surface of normal n, so n p is constant: dp = dc - r (n dc) /
    (n r) for the camera, t (dr - r (n dr) / (n r)) for the ray, r dz / (n r) for the surface's
    height. A small rotation v changes r by v x r.
    """
    along = np.einsum('ni,ni->n', normals, rays)
    along = np.where(np.abs(along) < 1e-9, np.nan, along)
    by_place = np.eye(3) - rays[:, :, None] * normals[:, None, :] / along[:, None, None]
    by_ray = by_place * (enu[:, 2] / rays[:, 2])[:, None, None]
    by_turn = (by_ray @ _turning(rays))[:, :2]
    steps = [
        (fix.lens.rays(pixels + step) - fix.lens.rays(pixels - step)) @ fix.rotation.T
        for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5]))
    ]
    by_pixel = (by_ray @ np.stack(steps, axis=-1))[:, :2]
    by_place = by_place[:, :2]
    of_ground = fix.ground.sigma_m**2 if fix.ground is not None else 0.0
    height = np.zeros((3, 3))
    height[2, 2] = max(fix.position_covariance[2, 2] - of_ground, 0.0)
    level = fix.position_covariance.copy()
    level[2, 2] = 0.0
    slope = np.sum((rays[:, :2] / along[:, None]) ** 2, axis=1)
    found = {
        'position': np.maximum(_trace(by_place, level), 0.0),
        'height': _trace(by_place, height),
        'ground': slope * min(of_ground, fix.position_covariance[2, 2]),
        'attitude': _trace(by_turn, fix.attitude_covariance),
        'pixel': _trace(by_pixel, np.eye(2) * pixel_px**2),
        'time': np.zeros(len(rays)),
    }
    if fix.motion is not None:
        shift = by_place @ fix.motion.velocity_enu + by_turn @ fix.motion.turn_enu
        found['time'] = np.sum(shift**2, axis=1) * fix.motion.time_sigma_s**2
    return found


def _radius_m(variance: ArrayLike) -> NDArray[np.float64]:
    return np.minimum(2 * np.sqrt(np.asarray(variance, np.float64)), _LARGEST_ERROR_M)


def _turning(rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices (n, 3, 3) that map a small rotation v to v x ray."""
    east, north, up = rays.T
    zero = np.zeros(len(rays))
    rows = [[zero, up, -north], [-up, zero, east], [north, -east, zero]]
    return np.moveaxis(np.array(rows), -1, 0)


def _trace(jacobians: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum('nij,jk,nik->n', jacobians, covariance, jacobians)
