# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorded positions and attitudes of a camera over a flight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.stamped_series import StampedSeries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from roof_detector.georeference.ground import Ground
    from roof_detector.georeference.lens import Lens


class CameraFixes(Protocol):
    """Where a camera was for the frames of a recording: a flight's track, or photos' own tags."""

    def at(self, stamp_ns: int, *, size_wh: tuple[int, int]) -> CameraFix:
        """Return the fix of a frame; raise GeoError, in a sentence for people, without one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraAttitude:
    """The attitude of a camera at one moment.

    `rotation` (3, 3) is of optical vectors (z forward, x right, y down) into east, north, up;
    `map_z_m` the camera's z in the map, `lever_enu` its position (3,) in metres relative to the
    antenna, `covariance` (3, 3) of small rotations about east, north, up.
    """

    rotation: NDArray[np.float64]
    map_z_m: float
    lever_enu: NDArray[np.float64]
    covariance: NDArray[np.float64]


class CameraAttitudes(Protocol):
    """The attitudes of a camera that are not those of a body with a fixed mount."""

    def at(self, stamp_ns: int) -> CameraAttitude:
        """Return the attitude at a stamp; raise GeoError where there is none."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraTrack:
    """The recorded positions and attitudes of a camera, interpolated for any stamp of a flight.

    `positions` has rows (12,): latitude, longitude, altitude and the covariance (9) of east,
    north, up. `attitudes` has rows (14,): quaternion x, y, z, w of the frame of the pose in east,
    north, up; z in the map; and the covariance (9) of small rotations about east, north, up; or
    is the attitudes of the camera itself, which need no mount.
    `time_sigma_s` is the standard deviation of the time between image and telemetry, `sources`
    names where each value comes from.
    """

    positions: StampedSeries
    attitudes: StampedSeries | CameraAttitudes
    lens: Lens
    ground: Ground
    mount: CameraMount = field(default_factory=CameraMount.optical)
    time_sigma_s: float = 0.0
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in (('positions', 12), ('attitudes', 14)):
            series = getattr(self, name)
            if isinstance(series, StampedSeries) and series.rows.shape[1] != columns:
                msg = f'{name} has rows of {series.rows.shape[1]} numbers, expected {columns}.'
                raise GeoError(msg)

    def at(self, stamp_ns: int, *, size_wh: tuple[int, int]) -> CameraFix:
        """Return the fix for an image of a stamp and size.

        Positions are interpolated linearly, attitudes along the shortest rotation. Raises GeoError
        where the flight has none.
        """
        position = self.positions.at(stamp_ns, what='fix')
        attitude = self._attitude(stamp_ns)
        latitude, longitude, altitude = map(float, position[:3])
        if attitude.lever_enu.any():
            antenna = LocalTangentPlane(latitude, longitude, altitude)
            latitude, longitude, altitude = map(float, antenna.to_geodetic(attitude.lever_enu))
        covariance = position[3:].reshape(3, 3)
        height = self._height(altitude_m=altitude, map_z_m=attitude.map_z_m)
        return CameraFix(
            stamp_ns=stamp_ns,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=altitude,
            height_m=height,
            rotation=attitude.rotation,
            lens=self.lens.scaled(size_wh),
            position_covariance=self._position_covariance(covariance),
            attitude_covariance=attitude.covariance,
        )

    def _attitude(self, stamp_ns: int) -> CameraAttitude:
        if not isinstance(self.attitudes, StampedSeries):
            return self.attitudes.at(stamp_ns)
        row = self.attitudes.at(stamp_ns, what='pose', quaternions=True)
        posed = Rotation.from_quat(row[:4]).as_matrix()
        lever = posed @ np.asarray(self.mount.lever_m)
        return CameraAttitude(
            rotation=posed @ self.mount.rotation,
            map_z_m=float(row[4] + lever[2]),
            lever_enu=lever,
            covariance=row[5:].reshape(3, 3),
        )

    def _height(self, *, altitude_m: float, map_z_m: float) -> float:
        ground = self.ground
        if ground.altitude_m is not None:
            return altitude_m - ground.altitude_m
        if ground.map_z_m is not None:
            return map_z_m - ground.map_z_m
        assert ground.height_m is not None
        return ground.height_m

    def _position_covariance(self, of_fix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance (3, 3) of east, north and the height over the ground."""
        covariance = of_fix.copy()
        if self.ground.altitude_m is None:
            # The vertical error of the fix does not affect a height that is known without it.
            covariance[2] = covariance[:, 2] = 0.0
        covariance[2, 2] += self.ground.sigma_m**2
        return covariance
