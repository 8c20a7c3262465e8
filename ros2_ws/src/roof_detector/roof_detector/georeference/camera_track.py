# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorded positions and attitudes of a camera over a flight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from roof_detector.georeference.camera_fix import CameraFix, CameraMotionRate
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.stamped_series import StampedSeries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from roof_detector.georeference.ground import Ground
    from roof_detector.georeference.lens import Lens

# The motion of the camera is taken over so much time before and after an image.
_MOTION_NS = 100_000_000


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
    names where each value comes from. `is_local`: where on Earth it was is not known, and
    positions count from latitude 0, longitude 0 in place of the origin of its own map.
    """

    positions: StampedSeries
    attitudes: StampedSeries | CameraAttitudes
    lens: Lens
    ground: Ground
    mount: CameraMount = field(default_factory=CameraMount.optical)
    time_sigma_s: float = 0.0
    sources: Mapping[str, str] = field(default_factory=dict)
    is_local: bool = False

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
        height = self.ground.height_of(
            altitude_m=altitude,
            map_z_m=attitude.map_z_m,
            latitude_deg=latitude,
            longitude_deg=longitude,
        )
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
            ground=self.ground,
            motion=self._motion(stamp_ns) if self.time_sigma_s else None,
            sources=self.sources,
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

    def _motion(self, stamp_ns: int) -> CameraMotionRate | None:
        """Return how the camera moves around a stamp, None at an end or a gap of the flight."""
        begin_ns, end_ns = stamp_ns - _MOTION_NS, stamp_ns + _MOTION_NS
        try:
            first, last = (self.positions.at(one, what='fix')[:3] for one in (begin_ns, end_ns))
            before, after = self._attitude(begin_ns), self._attitude(end_ns)
        except GeoError:
            return None
        duration_s = 2 * _MOTION_NS / 1e9
        travel = LocalTangentPlane(*map(float, first)).to_enu(last)
        travel = travel + after.lever_enu - before.lever_enu
        turn = Rotation.from_matrix(after.rotation @ before.rotation.T).as_rotvec()
        return CameraMotionRate(travel / duration_s, turn / duration_s, self.time_sigma_s)

    def _position_covariance(self, of_fix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance (3, 3) of east, north and the height over the ground."""
        covariance = of_fix.copy()
        if not self.ground.uses_altitude:
            # The vertical error of the fix does not affect a height that is known without it.
            covariance[2] = covariance[:, 2] = 0.0
        covariance[2, 2] += self.ground.sigma_m**2
        return covariance
