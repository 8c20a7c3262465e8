# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the MRK files that RTK drones write beside their photos, a line for each exposure.

DJI (Phantom 4 RTK, Matrice 300/350 with P1, Mavic 3 Enterprise): number, GPS seconds of the week,
[GPS week], offsets from the antenna to the sensor in millimetres north, east, down, the position
of the sensor, its height above the ellipsoid, standard deviations north, east, up in metres, and
the solution: 50 fixed, 34 float, 16 single. The offsets are in the position already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.telemetry.photo_pose import ABOVE_ELLIPSOID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.telemetry.photo_pose import PhotoPose

_MOST_BYTES = 64 << 20
_N = r'([-+]?\d+(?:\.\d+)?)'
_LINE = re.compile(
    rf'^\s*(\d+)\s+{_N}\s+\[\s*(\d+)\s*\]\s+{_N}\s*,\s*N\s+{_N}\s*,\s*E\s+{_N}\s*,\s*V\s+'
    rf'{_N}\s*,\s*Lat\s+{_N}\s*,\s*Lon\s+{_N}\s*,\s*Ellh\s+{_N}\s*,\s*{_N}\s*,\s*{_N}\s+'
    r'(\d+)\s*,\s*Q\s*$'
)
# The number of a photo: the last of four digits in a name, before the letters of its camera.
_NUMBER = re.compile(r'(?<!\d)(\d{4,5})(?:_[A-Za-z]+(?:_\d)?|_MS_[A-Z]+)?$')
_FIXED, _FLOAT = 50, 34
_LEAST_SIGMA_M, _LARGEST_SIGMA_M = 0.005, 10.0
_MOST_APART_M = 30.0
_MOST_APART_S = 60.0
_GPS_EPOCH = datetime(1980, 1, 6, tzinfo=timezone.utc)
_LEAP_SECONDS = 18  # of GPS time before UTC since 2017; no leap second is planned


@dataclass(frozen=True, kw_only=True)
class ExposureMark:
    """The exposure of one photo: when and where, with sigmas (3,) east, north, up in metres."""

    path: Path
    number: int
    time: datetime
    latitude_deg: float
    longitude_deg: float
    ellipsoidal_height_m: float
    sigmas_enu_m: tuple[float, float, float]
    quality: int


@dataclass(frozen=True)
class MarkFile:
    """The exposures of an MRK file, and how many of its lines are none."""

    marks: tuple[ExposureMark, ...]
    damaged_count: int


def read_marks(path: Path) -> MarkFile:
    """Read an MRK file; lines that are cut off or no exposure are counted."""
    try:
        text = path.read_bytes()[:_MOST_BYTES].decode('utf-8-sig', 'replace')
    except OSError:
        return MarkFile((), 0)
    lines = [line for line in text.splitlines() if line.strip()]
    marks = [mark for line in lines if (mark := _mark(path, line)) is not None]
    return MarkFile(tuple(marks), len(lines) - len(marks))


def mark_files_of(photo: Path) -> tuple[Path, ...]:
    """Return the MRK files in the folder of a photo."""
    try:
        beside = photo.parent.iterdir()
        return tuple(sorted(one for one in beside if one.suffix.lower() == '.mrk'))
    except OSError:
        return ()


def with_marks(poses: Mapping[int, PhotoPose], *, notes: list[str]) -> dict[int, PhotoPose]:
    """Return the poses of photos with the positions of the MRK files beside them.

    A mark is taken by the number in the photo's name, and only where it is within 30 m of the
    photo's own tags and, if the time zone of these is known, within a minute: another flight in
    the same folder is told apart so. Sentences about what was taken and what was not are added to
    `notes`.
    """
    found: dict[int, PhotoPose] = {}
    taken = unmatched = poor = 0
    folders = {pose.path.parent: mark_files_of(pose.path) for pose in poses.values()}
    files = {path: read_marks(path) for paths in folders.values() for path in paths}
    for stamp_ns, pose in poses.items():
        paths = folders[pose.path.parent]
        found[stamp_ns] = pose
        if not paths:
            continue
        mark = _nearest(pose, [one for path in paths for one in files[path].marks])
        if mark is None:
            unmatched += 1
        elif mark.quality not in (_FIXED, _FLOAT):
            poor += 1
        else:
            found[stamp_ns] = _placed(pose, mark)
            taken += 1
    notes += _notes(files, taken=taken, unmatched=unmatched, poor=poor)
    return found


def _mark(path: Path, line: str) -> ExposureMark | None:
    match = _LINE.match(line)
    if match is None:
        return None
    number, seconds, week, _, _, _, latitude, longitude, height, *sigmas, quality = match.groups()
    north, east, up = map(float, sigmas)
    if abs(float(latitude)) >= 89 or abs(float(longitude)) > 180 or len(week) > 5:
        return None
    time = _GPS_EPOCH + timedelta(weeks=int(week), seconds=float(seconds) - _LEAP_SECONDS)
    return ExposureMark(
        path=path,
        number=int(number),
        time=time,
        latitude_deg=float(latitude),
        longitude_deg=float(longitude),
        ellipsoidal_height_m=float(height),
        sigmas_enu_m=(east, north, up),
        quality=int(quality),
    )


def _nearest(pose: PhotoPose, marks: list[ExposureMark]) -> ExposureMark | None:
    """Return the mark of a photo's number that lies nearest to its tags, None if none is near."""
    match = _NUMBER.search(pose.path.stem)
    if match is None:
        return None
    plane = LocalTangentPlane(pose.latitude_deg, pose.longitude_deg, 0.0)
    near: list[tuple[float, ExposureMark]] = []
    for mark in marks:
        if mark.number != int(match[1]):
            continue
        east, north, _ = plane.to_enu([mark.latitude_deg, mark.longitude_deg, 0.0])
        apart_s = (
            abs((mark.time - pose.taken_at).total_seconds())
            if pose.taken_at is not None and pose.taken_at.tzinfo is not None
            else 0.0
        )
        if np.hypot(east, north) <= _MOST_APART_M and apart_s <= _MOST_APART_S:
            near.append((float(np.hypot(east, north)), mark))
    return min(near, key=lambda one: one[0])[1] if near else None


def _placed(pose: PhotoPose, mark: ExposureMark) -> PhotoPose:
    sigmas = np.clip(mark.sigmas_enu_m, _LEAST_SIGMA_M, _LARGEST_SIGMA_M)
    solution = 'RTK fixed' if mark.quality == _FIXED else 'RTK float'
    return replace(
        pose,
        latitude_deg=mark.latitude_deg,
        longitude_deg=mark.longitude_deg,
        altitude_m=mark.ellipsoidal_height_m,
        position_covariance=np.diag(sigmas**2),
        sources={
            **pose.sources,
            'position': f'{mark.path.name} ({solution})',
            'altitude': f'{mark.path.name}{ABOVE_ELLIPSOID}',
            'position_covariance': mark.path.name,
        },
    )


def _notes(files: Mapping[Path, MarkFile], *, taken: int, unmatched: int, poor: int) -> list[str]:
    if not files:
        return []
    names = ', '.join(sorted(path.name for path in files)[:3])
    names += f' and {len(files) - 3} more' if len(files) > 3 else ''
    found = []
    if taken:
        found.append(
            f'{taken} photos have their position, its standard deviations and their height above '
            f'the ellipsoid from {names}.'
        )
    if unmatched:
        found.append(
            f'{unmatched} photos have no line in {names} of their number within '
            f'{_MOST_APART_M:g} m of their tags; the tags apply.'
        )
    if poor:
        found.append(f'{poor} photos have no RTK solution in {names}; their tags apply.')
    damaged = sum(one.damaged_count for one in files.values())
    if damaged:
        found.append(f'{damaged} lines of {names} are no exposure and are not used.')
    return found
