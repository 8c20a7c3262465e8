# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Georeferences results of videos by the subtitles that drones record with them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.georeference.shown_image import optical_turn
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.inputs.video import VideoInput
from roof_detector.offline.image_search import camera_inputs
from roof_detector.offline.video_motion import video_motion
from roof_detector.telemetry.autopilot_log import log_file_of, read_autopilot_log
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.log_track import log_track
from roof_detector.telemetry.subtitle_track import can_be_georeferenced, subtitle_track
from roof_detector.telemetry.subtitles import subtitle_file_of
from roof_detector.telemetry.video_telemetry import read_video_telemetry

if TYPE_CHECKING:
    from roof_detector.georeference.camera_mount import CameraMount
    from roof_detector.georeference.camera_track import CameraTrack
    from roof_detector.georeference.ground import Ground
    from roof_detector.offline.result_bag import ResultBag


@dataclass(frozen=True)
class LogSettings:
    """The log of the autopilot of a video, '' for one beside it, and its time at the start.

    `begin_s` None: the clocks are compared.
    """

    path: str = ''
    begin_s: float | None = None


def has_video_positions(bag: ResultBag, *, images: Path | None = None) -> bool:
    """Return whether the results are of a video with subtitles that hold its track."""
    found = _video(bag, images=images)
    if found is None:
        return False
    video, _ = found
    try:
        return can_be_georeferenced(read_video_telemetry(video))
    except TelemetryError:
        return False


def unused_positions_note(bag: ResultBag, *, images: Path | None = None) -> str:
    """Return a sentence where a video has telemetry that does not make a map by itself, else ''.

    Telemetry are subtitles beside it, positions inside it, or the log of an autopilot.
    """
    found = _video(bag, images=images)
    if found is None:
        return ''
    video, _ = found
    beside, log = subtitle_file_of(video), log_file_of(video)
    if log is not None and beside is None:
        return (
            f'{log.name} lies beside {video.name}, but no map was made: ask for one with '
            '--formats geojson, and give the lens with --focal-35mm.'
        )
    try:
        telemetry = read_video_telemetry(video)
    except TelemetryError as error:
        return f'{beside.name} is not used: {error}' if beside is not None else ''
    if not any(one.latitude_deg is not None for one in telemetry.samples):
        return f'{video.name} has no position in its {telemetry.holder}.'
    if can_be_georeferenced(telemetry):
        return ''
    return (
        f'{video.name} holds positions in its {telemetry.holder}, but no attitude of the camera, '
        'height or lens with all of them, so no map was made. Ask for one with --formats geojson, '
        'which says what has to be given (--mount-down, --focal-35mm, --flight-height).'
    )


def video_track(
    bag: ResultBag,
    *,
    images: Path | None,
    ground: Ground,
    mount: CameraMount | None,
    focal_35mm: float | None,
    notes: list[str],
    log: LogSettings | None = None,
) -> CameraTrack | None:
    """Return the camera track of a video, None if the results are not of a video file.

    It is that of its subtitles, or of the log of an autopilot that is named or beside it. Raises
    TelemetryError if the video has neither.
    """
    log = log or LogSettings()
    found = _video(bag, images=images)
    if found is None:
        return None
    video, orientation = found
    sizes = (frame.record.size_wh for frame in bag.frames() if all(frame.record.size_wh))
    size_wh = next(sizes, None)
    if size_wh is None:
        msg = f'No frame of {video} could be read, so the size of its images is not known.'
        raise TelemetryError(msg)
    turn = optical_turn(orientation)
    if turn is None:
        msg = f'{video} is shown mirrored, so that no position in it is known.'
        raise TelemetryError(msg)
    log_path = Path(log.path) if log.path else log_file_of(video)
    if log.path or (log_path is not None and subtitle_file_of(video) is None):
        assert log_path is not None
        track = log_track(
            read_autopilot_log(log_path, Uncertainty()),
            video_motion(video),
            size_wh=size_wh,
            ground=ground,
            mount=mount,
            focal_35mm=focal_35mm,
            begin_s=log.begin_s,
            notes=notes,
        )
    else:
        track = subtitle_track(
            read_video_telemetry(video),
            size_wh=size_wh,
            ground=ground,
            mount=mount,
            focal_35mm=focal_35mm,
            notes=notes,
        )
    # The angles are those of the camera, whose frames may be shown turned.
    mount = replace(track.mount, rotation=track.mount.rotation @ turn)
    return replace(track, mount=mount)


def _video(bag: ResultBag, *, images: Path | None) -> tuple[Path, int] | None:
    """Return the path and orientation of a video, None if the results are of none."""
    (topic, *more) = bag.image_topics or ('',)
    found = None if more else next(camera_inputs((bag,), topic, images=images), None)
    if found is None:
        return None
    with closing(found):
        return (found.path, found.orientation) if isinstance(found, VideoInput) else None
