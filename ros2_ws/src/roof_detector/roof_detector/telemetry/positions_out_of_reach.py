# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds photos whose position no drone reaches between those taken before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod

from roof_detector.georeference.flying import FASTEST_M_S, horizontal_sigma_m

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from roof_detector.telemetry.photo_pose import PhotoPose

# Photos tell whole seconds, and a clock that is set by GPS may be corrected by one.
_CLOCK_S = 2.0
_LEAST_M = 50.0
_SIGMAS = 3.0
# Where another photo was taken so near, somebody was there.
_COMPANY_M = 100.0
# Of fewer photos the wrong one cannot be told from the right ones.
_LEAST_PHOTOS = 5
_EARTH = Geod(ellps='WGS84')


def positions_out_of_reach(poses: Mapping[int, PhotoPose]) -> dict[int, str]:
    """Return by key why the position of a photo cannot be right, for those where it cannot.

    That is so for one that is alone at its place, where the two photos taken next to it in time
    could be reached from each other, but neither from it, at 40 m/s. Photos without a time, and
    those of a flight of fewer than five, are taken as they are: a place that was visited for one
    photo is as likely as a wrong one.
    """
    wrong: dict[int, str] = {}
    for has_zone in (True, False):  # the two cannot be compared
        keys = [
            key
            for key, pose in poses.items()
            if pose.taken_at is not None and (pose.taken_at.tzinfo is not None) is has_zone
        ]
        if len(keys) >= _LEAST_PHOTOS:
            wrong |= _out_of_reach({key: poses[key] for key in keys})
    return wrong


def _out_of_reach(poses: Mapping[int, PhotoPose]) -> dict[int, str]:
    keys = sorted(poses, key=lambda key: _taken(poses[key]))
    photos = [poses[key] for key in keys]
    times_s = np.array([(_taken(one) - _taken(photos[0])).total_seconds() for one in photos])
    degrees = np.array([(one.longitude_deg, one.latitude_deg) for one in photos])
    sigmas_m = np.array([horizontal_sigma_m(one.position_covariance) for one in photos])

    def distances_m(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.asarray(_EARTH.inv(*degrees[a].T, *degrees[b].T)[2])

    def reach(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.bool_]:
        least_m = _LEAST_M + _SIGMAS * (sigmas_m[a] + sigmas_m[b])
        flown_m = FASTEST_M_S * (abs(times_s[a] - times_s[b]) + _CLOCK_S)
        return distances_m(a, b) <= least_m + flown_m

    every = np.arange(len(photos))
    # The two next to each in time: one before and one after, but at the ends.
    first = np.clip(every - 1, 0, len(every) - 3)
    before = np.where(first < every, first, first + 1)
    after = np.where(first + 2 > every, first + 2, first + 1)
    astray = ~reach(every, before) & ~reach(every, after) & reach(before, after)
    wrong: dict[int, str] = {}
    for one in np.flatnonzero(astray):
        away_m = distances_m(np.full_like(every, one), every)
        if np.count_nonzero(away_m < _COMPANY_M) > 1:
            continue
        nearest = min(
            before[one], after[one], key=lambda other: abs(times_s[other] - times_s[one])
        )
        wrong[keys[one]] = (
            f'The position of {photos[one].path.name} is {away_m[nearest] / 1000:.1f} km from '
            f'that of {photos[nearest].path.name}, which was taken within '
            f'{abs(times_s[nearest] - times_s[one]):.0f} s of it: no drone flies so fast, and no '
            'other photo was taken there.'
        )
    return wrong


def _taken(pose: PhotoPose) -> datetime:
    assert pose.taken_at is not None
    return pose.taken_at
