# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Divides a flight where its positions jump, and tells when it is not where it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.flying import FASTEST_M_S, horizontal_sigma_m

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

_LEAST_JUMP_M = 2.0
_JUMP_SIGMAS = 1.0
# So many frames in a row at a new place are a new part; fewer are wrong fixes.
_FRAMES_OF_PART = 5
FARTHEST_M = 20_000.0
_PAUSE_S = 600.0


class PhotoParts:
    """Divides photos where none was taken for ten minutes, whatever the order of their names.

    `times_ns` are those of all photos by their camera's clock; photos without a time are in the
    first part.
    """

    def __init__(self, times_ns: Iterable[int]) -> None:
        times = np.unique(np.fromiter(times_ns, np.int64))
        self._begins_ns = times[1:][np.diff(times) > _PAUSE_S * 1e9]

    def part_of(self, time_ns: int | None) -> int:
        """Return the number of a photo's part, from 0 in the order of their times."""
        if time_ns is None:
            return 0
        return int(np.searchsorted(self._begins_ns, time_ns, side='right'))


class FlightSegments:
    """Gives each fix of a stream the number of its part of the flight, from 0.

    A new part begins after a pause of ten minutes, and where the position jumps further than a
    drone flies and stays there. Single fixes that jump, and those further than 20 km from the
    origin of the inspection, belong to no part and are counted. Photos (`timed` false) lie in
    their folder in the order of their names, at times of whole seconds: how fast the camera moved
    from one to the next is not known, nothing jumps, and PhotoParts tells their parts.
    Fixes before `begin_ns` are known to be wrong (see `first_sure_ns`).
    """

    def __init__(
        self, origin: LocalTangentPlane, *, timed: bool = True, begin_ns: int | None = None
    ) -> None:
        self._origin = origin
        self._timed = timed
        self._begin_ns = begin_ns
        self._place: npt.NDArray[np.float64] | None = None
        self._stamp_ns = 0
        self._part = 0
        self._astray: list[tuple[npt.NDArray[np.float64], int]] = []
        self._first_frames = 0
        self.jumped = 0
        self.too_far = 0
        self.began_wrong = False
        """Whether the first part had fewer than five frames, and was left by a jump."""

    def part_of(self, fix: CameraFix) -> int | None:
        """Return the part of a fix, None where its position cannot be used."""
        place = _place_of(fix, self._origin)
        if not _is_within_reach(place):
            self.too_far += 1
            return None
        if not self._timed:
            return self._part
        if self._begin_ns is not None and fix.stamp_ns < self._begin_ns:
            self.jumped += 1
            return None
        sigma = horizontal_sigma_m(fix.position_covariance)
        if self._place is None or not self._jumps(place, fix.stamp_ns, sigma, self._last):
            paused = self._place is not None and fix.stamp_ns - self._stamp_ns > _PAUSE_S * 1e9
            self._part += paused
            self._first_frames += not self._part
            return self._accept(place, fix.stamp_ns)
        if self._astray and self._jumps(place, fix.stamp_ns, sigma, self._astray[-1]):
            self._astray.clear()
        self._astray.append((place, fix.stamp_ns))
        if len(self._astray) >= _FRAMES_OF_PART:
            self._part += 1
            self.began_wrong = self._part == 1 and self._first_frames < _FRAMES_OF_PART
            return self._accept(place, fix.stamp_ns)
        self.jumped += 1
        return None

    @property
    def _last(self) -> tuple[npt.NDArray[np.float64], int]:
        assert self._place is not None
        return self._place, self._stamp_ns

    def _accept(self, place: npt.NDArray[np.float64], stamp_ns: int) -> int:
        self._place, self._stamp_ns = place, stamp_ns
        self._astray.clear()
        return self._part

    @staticmethod
    def _jumps(
        place: npt.NDArray[np.float64],
        stamp_ns: int,
        sigma_m: float,
        before: tuple[npt.NDArray[np.float64], int],
    ) -> bool:
        distance = float(np.linalg.norm((place - before[0])[:2]))
        flown = FASTEST_M_S * abs(stamp_ns - before[1]) / 1e9
        return distance > flown + max(_LEAST_JUMP_M, _JUMP_SIGMAS * sigma_m)


def first_sure_ns(fixes: Iterable[CameraFix], origin: LocalTangentPlane) -> int | None:
    """Return the stamp at which a stream's positions begin to be right, None for the first one.

    Its first fix has none before it that it could jump from. Where it is of a part of fewer than
    five frames, and the next part is elsewhere, that first part is made of wrong fixes.
    """
    segments = FlightSegments(origin)
    stamps_ns: list[int] = []
    for fix in fixes:
        stamps_ns.append(fix.stamp_ns)
        segments.part_of(fix)
        if segments.began_wrong:
            return stamps_ns[-_FRAMES_OF_PART]
    return None


def first_of_most(places: Sequence[LocalTangentPlane], weights: Sequence[int]) -> int:
    """Return the first of the places that most of the weight is within 20 km of."""
    geodetic = np.array([(one.latitude_deg, one.longitude_deg, one.altitude_m) for one in places])
    best, most = 0, -1.0
    for index, place in enumerate(places):
        near = np.linalg.norm(place.to_enu(geodetic)[:, :2], axis=1) < FARTHEST_M
        weight = float(np.asarray(weights)[near].sum())
        if weight > most:
            best, most = index, weight
        if 2 * most >= sum(weights):
            break
    return best


class OriginCheck:
    """Tells when a flight is elsewhere than its origin, which a wrong first fix gave it.

    That is so after more fixes in a row beyond 20 km of the origin, all within 20 km of the first
    of them, than were ever placed by it: at least five. So a wrong fix in the middle of a flight
    never moves the origin. It is so as well where a first part of fewer than five frames was left
    by a jump (`leave`). `near` are the frames that are known to be placed already.
    """

    def __init__(self, near: int = 0) -> None:
        self.near = near
        self.far = 0
        self._first_far = np.zeros(3)

    def add(self, fix: CameraFix, origin: LocalTangentPlane, *, is_placed: bool) -> None:
        """Count the next fix of the flight."""
        place = _place_of(fix, origin)
        if _is_within_reach(place):
            self.near += is_placed
            self.far = 0
            return
        if not (self.far and np.linalg.norm(place - self._first_far) < FARTHEST_M):
            self._first_far, self.far = place, 0
        self.far += 1

    def leave(self, *, streams: int) -> None:
        """Count a first part of one of some streams as wrong, unless others had right ones."""
        if self.near < _FRAMES_OF_PART * streams:
            self.far = max(_FRAMES_OF_PART, self.near + 1)

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the flight is elsewhere."""
        return self.far >= _FRAMES_OF_PART and self.far > self.near


def _place_of(fix: CameraFix, origin: LocalTangentPlane) -> npt.NDArray[np.float64]:
    return np.asarray(
        origin.to_enu(np.array([fix.latitude_deg, fix.longitude_deg, fix.altitude_m]))
    )


def _is_within_reach(place: npt.NDArray[np.float64]) -> bool:
    return bool(np.isfinite(place).all() and np.linalg.norm(place[:2]) < FARTHEST_M)
