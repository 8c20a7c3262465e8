# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Georeferences results of photos by the tags of the photos themselves."""

from __future__ import annotations

from contextlib import closing
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.geoid import with_level_of_camera
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.inputs.image_decoding import read_image
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.offline.file_images import FileImages
from roof_detector.offline.image_search import camera_inputs
from roof_detector.telemetry.altitude_steps import STEP_M
from roof_detector.telemetry.autopilot_log import log_files_of_photos, read_autopilot_log
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.exposure_marks import with_marks
from roof_detector.telemetry.log_photos import log_poses
from roof_detector.telemetry.overlap import adjust
from roof_detector.telemetry.photo_pose import PhotoPose, read_photo_pose
from roof_detector.telemetry.photo_tags import read_photo_tags
from roof_detector.telemetry.photo_track import PhotoTrack, height_above
from roof_detector.telemetry.positions_out_of_reach import positions_out_of_reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from roof_detector.georeference.camera_mount import CameraMount
    from roof_detector.georeference.ground import Ground
    from roof_detector.offline.result_bag import ResultBag
    from roof_detector.telemetry.autopilot_log import AutopilotLog
    from roof_detector.telemetry.photo_tags import PhotoTags

_MOST_NAMED = 3


def has_photo_positions(bag: ResultBag, *, images: Path | None = None) -> bool:
    """Return whether the results are of photos with a pose, in their tags or in a log beside them.

    The first five that can be read decide about the tags.
    """
    paths = _photo_paths(bag, images=images)
    if any(_own_pose(path) for path in list(paths.values())[:5]):
        return True
    try:
        log = _log_beside(paths)
        return log is not None and bool(_poses_by_log(log, paths, notes=[])[0])
    except TelemetryError:
        return False


def unused_log_note(bag: ResultBag, *, images: Path | None = None) -> str:
    """Return why photos were not placed by the log beside them, '' without one."""
    paths = _photo_paths(bag, images=images)
    try:
        log = _log_beside(paths)
        if log is None:
            return ''
        _, unknown = _poses_by_log(log, paths, notes=[])
    except TelemetryError as error:
        return f'No map was made by the log beside the photos: {error}'
    reason = next(iter(unknown.values()), '')
    return f'No map was made by {log.name}: {reason}' if reason else ''


def photo_track(
    bag: ResultBag,
    *,
    images: Path | None,
    ground: Ground,
    adjusted: bool,
    notes: list[str],
    log: str = '',
    mount: CameraMount | None = None,
    focal_35mm: float | None = None,
) -> PhotoTrack | None:
    """Return the poses of the photos of a result bag, None if it is not of image files.

    They are those of the photos' tags or, where `log` names one or the tags hold none, those at
    the exposures in the log of an autopilot. With `adjusted`, overlapping photos are adjusted to
    each other first. Sentences about unusual photos are added to `notes`. Raises TelemetryError
    if no photo has a pose.
    """
    paths = _photo_paths(bag, images=images)
    if not paths:
        return None
    poses: dict[int, PhotoPose] = {}
    unknown: dict[int, str] = {}
    for stamp_ns, path in paths.items():
        try:
            poses[stamp_ns] = read_photo_pose(path)
        except TelemetryError as error:
            unknown[stamp_ns] = str(error)
    if log or not poses:
        log_path = Path(log) if log else _log_beside(paths)
        if log_path is not None:
            poses, unknown = _poses_by_log(
                log_path, paths, mount=mount, focal_35mm=focal_35mm, notes=notes
            )
    elif logs := log_files_of_photos(next(iter(paths.values())).parent):
        notes.append(
            f'{logs[0].name} is not used, because the photos tell their positions themselves; '
            '--log FILE takes it.'
        )
    if not poses:
        msg = f'None of {len(paths)} photos has a position. {next(iter(unknown.values()))}'
        raise TelemetryError(msg)
    if unknown:
        notes.append(f'{len(unknown)} of {len(paths)} photos do not hold their position.')
    notes += _grouped_notes(poses.values())
    poses = with_marks(poses, notes=notes)
    poses = _without_wrong_places(poses, unknown, notes)
    notes += _altitude_notes(poses.values())
    if ground.uses_altitude:
        notes += _reference_notes(poses.values())
        first, *others = poses.values()
        if all(one.is_ellipsoidal == first.is_ellipsoidal for one in others):
            ground = with_level_of_camera(
                ground,
                is_ellipsoidal=first.is_ellipsoidal,
                place=(first.latitude_deg, first.longitude_deg),
                notes=notes,
            )
    if adjusted and ground.surface is not None:
        notes.append(
            'The photos are not adjusted to each other, which needs level ground; their positions '
            'are those of their tags.'
        )
    elif adjusted:
        poses |= _adjusted(poses, ground, notes)
    return PhotoTrack(poses, ground, unknown)


def _without_wrong_places(
    poses: dict[int, PhotoPose], unknown: dict[int, str], notes: list[str]
) -> dict[int, PhotoPose]:
    """Return the poses but those of impossible positions, whose reasons go to `unknown`."""
    wrong = positions_out_of_reach(poses)
    if wrong:
        reason = next(iter(wrong.values()))
        notes.append(f'{len(wrong)} of {len(poses)} photos get no place. {reason}')
    unknown |= wrong
    return {stamp_ns: pose for stamp_ns, pose in poses.items() if stamp_ns not in wrong}


def _own_pose(path: Path) -> PhotoPose | None:
    try:
        return read_photo_pose(path)
    except TelemetryError:
        return None


def _log_beside(paths: Mapping[int, Path]) -> Path | None:
    """Return the log that lies beside photos, None without one."""
    folder = next((path.parent for path in paths.values()), None)
    logs = log_files_of_photos(folder) if folder is not None else ()
    if len(logs) > 1:
        msg = (
            f'{len(logs)} logs lie beside the photos ({", ".join(one.name for one in logs[:3])}); '
            'name the one of their flight with --log.'
        )
        raise TelemetryError(msg)
    return logs[0] if logs else None


def _poses_by_log(
    log_path: Path,
    paths: Mapping[int, Path],
    *,
    mount: CameraMount | None = None,
    focal_35mm: float | None = None,
    notes: list[str],
) -> tuple[dict[int, PhotoPose], dict[int, str]]:
    """Return the poses of photos at the exposures in a log, and why others have none."""
    tags: dict[int, PhotoTags] = {}
    unknown: dict[int, str] = {}
    for stamp_ns, path in paths.items():
        try:
            tags[stamp_ns] = read_photo_tags(path)
        except TelemetryError as error:
            unknown[stamp_ns] = str(error)
    modified_ns = log_path.stat().st_mtime_ns if log_path.is_file() else 0
    log = _read_log(log_path, modified_ns)
    poses, unmatched = log_poses(log, tags, mount=mount, focal_35mm=focal_35mm, notes=notes)
    return poses, unknown | unmatched


@lru_cache(maxsize=1)
def _read_log(path: Path, _modified_ns: int) -> AutopilotLog:
    """Read a log once for all that asks about it: large ones take half a minute."""
    return read_autopilot_log(path, Uncertainty())


def _photo_paths(bag: ResultBag, *, images: Path | None) -> dict[int, Path]:
    """Return the file of each frame by its stamp, where the results are of image files."""
    (topic, *more) = bag.image_topics or ('',)
    if more:
        return {}
    found = next(camera_inputs((bag,), topic, images=images), None)
    if found is None:
        return {}
    with closing(found):
        if not isinstance(found, ImageFilesInput):
            return {}
        files = FileImages(found)
        records = (frame.record for frame in bag.frames())
        paths = ((record.stamp_ns, files.path_of(record)) for record in records)
        return {stamp_ns: path for stamp_ns, path in paths if path is not None}


def _adjusted(
    poses: dict[int, PhotoPose], ground: Ground, notes: list[str]
) -> dict[int, PhotoPose]:
    """Return the poses of known height, adjusted where their photos overlap."""
    heights: dict[int, float] = {}
    for stamp_ns, pose in poses.items():
        try:
            heights[stamp_ns] = height_above(ground, pose)
        except GeoError:
            continue
    if len(heights) < 2 or min(heights.values()) <= 0:
        return {}
    chosen = [poses[stamp_ns] for stamp_ns in heights]
    if find_spec('scipy') is None:
        notes.append(
            'The photos are not adjusted to each other: SciPy is not installed, it comes with the '
            "extra ground (pip install '.[ground]')."
        )
        return {}
    result = adjust(chosen, list(heights.values()), lambda pose: read_image(pose.path))
    notes += result.notes
    return dict(zip(heights, result.poses, strict=True))


def _grouped_notes(poses: Iterable[PhotoPose]) -> list[str]:
    """Return each note once, with the names of the photos that it is about."""
    names: dict[str, list[str]] = {}
    for pose in poses:
        for note in pose.notes:
            names.setdefault(note, []).append(pose.path.name)
    return [f'{_listed(many)}: {note}' for note, many in names.items()]


def _listed(names: list[str]) -> str:
    shown = ', '.join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f'{shown} and {len(names) - _MOST_NAMED} more'


def _altitude_notes(poses: Iterable[PhotoPose]) -> list[str]:
    """Return a note if altitude and height above take-off are inconsistent."""
    offsets = [
        pose.altitude_m - pose.relative_altitude_m
        for pose in poses
        if pose.altitude_m is not None and pose.relative_altitude_m is not None
    ]
    spread_m = float(np.ptp(offsets)) if offsets else 0.0
    if spread_m < STEP_M:
        return []
    return [
        f'The altitude of the take-off point differs by {spread_m:.0f} m between these photos: '
        'they are of several flights, or their altitudes are not above one reference. Heights '
        'above take-off are used unless --ground-altitude is given.'
    ]


def _reference_notes(poses: Iterable[PhotoPose]) -> list[str]:
    """Return a note on the level that the altitudes of photos count from."""
    known = [pose for pose in poses if pose.altitude_m is not None]
    with_rtk = sum(pose.is_ellipsoidal for pose in known)
    without = len(known) - with_rtk
    if with_rtk and without:
        return [
            f'The altitudes of {with_rtk} photos are those of RTK, above the ellipsoid of WGS 84, '
            f'and those of {without} photos are without RTK, above about the sea: one altitude of '
            'the ground does not fit both. Heights above take-off do (--ground-z, '
            '--flight-height).'
        ]
    if with_rtk:
        return [
            f'The altitudes of {with_rtk} photos are those of RTK, above the ellipsoid of WGS 84 '
            'and not above the sea, which differs by up to 100 m: the altitude of the ground has '
            'to count from the ellipsoid too (--geoid-height for a raster above the sea).'
        ]
    return [
        f'The altitudes of {without} photos are without RTK: most cameras count them from the '
        'sea, within 10 m or more; the altitude of the ground has to count from there too.'
    ] * bool(without)
