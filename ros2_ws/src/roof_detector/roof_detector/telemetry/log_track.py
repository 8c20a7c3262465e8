# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Builds the track of a video's camera from the log of the autopilot that carried it."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.camera_attitudes import camera_attitudes
from roof_detector.telemetry.clock_offset import clock_offset
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_lens import film_focal_px

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.georeference.camera_mount import CameraMount
    from roof_detector.georeference.ground import Ground
    from roof_detector.telemetry.autopilot_log import AutopilotLog

# A container's creation time has whole seconds, and is of the begin or the end of writing.
_FILE_TIME_SIGMA_S = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class VideoMotion:
    """How a video's image turns, and when the video began.

    `times_s` (n,) count from its start, `turns` (n,) are those of a camera that looks down, to the
    right in radians a second. `began_utc_ns` is None where its container does not tell it.
    """

    times_s: NDArray[np.float64]
    turns: NDArray[np.float64]
    began_utc_ns: int | None = None


def log_track(
    log: AutopilotLog,
    motion: VideoMotion,
    *,
    size_wh: tuple[int, int],
    ground: Ground,
    mount: CameraMount | None = None,
    focal_35mm: float | None = None,
    begin_s: float | None = None,
    uncertainty: Uncertainty | None = None,
    notes: list[str] | None = None,
) -> CameraTrack:
    """Return the camera track of a video, over the time of the video.

    `begin_s` is the log's time at the start of the video; without it the clocks are compared by
    the turns of the image and of the vehicle, or else by the times of day in both files. Raises
    TelemetryError where neither tells, and where the lens is not known.
    """
    notes = [] if notes is None else notes
    uncertainty = uncertainty or Uncertainty()
    if focal_35mm is None:
        msg = f'The lens of the video is not known from {log.path}. Give --focal-35mm.'
        raise TelemetryError(msg)
    offset_s, sigma_s, by = _offset(log, motion, begin_s)
    notes += log.notes
    notes.append(
        f'The video began at {offset_s:.2f} s of {log.path.name}, within {2 * sigma_s:.2f} s, '
        f'{by}; the error of time is taken into the stated error.'
    )
    attitudes, camera_mount, attitude_source = camera_attitudes(log, mount, notes)
    focal_px = film_focal_px(focal_35mm, size_wh)
    centre = [(side - 1) / 2 for side in size_wh]
    matrix = [[focal_px, 0, centre[0]], [0, focal_px, centre[1]], [0, 0, 1]]
    return CameraTrack(
        positions=_shifted(log.positions, offset_s),
        attitudes=_shifted(attitudes, offset_s),
        lens=Lens(size_wh=size_wh, matrix=np.array(matrix, np.float64)),
        ground=ground,
        mount=camera_mount,
        time_sigma_s=hypot(uncertainty.time_s, sigma_s),
        sources={'position': log.path.name, 'attitude': attitude_source},
    )


def _offset(
    log: AutopilotLog, motion: VideoMotion, begin_s: float | None
) -> tuple[float, float, str]:
    """Return the log's time at the start of the video, its sigma, and how it is known."""
    if begin_s is not None:
        return begin_s, 0.0, 'as it was given'
    found = clock_offset(motion.times_s, motion.turns, *log.yaw_rates())
    if found is not None:
        agreement = (
            f'as the turns of image and vehicle agree (correlation {found.correlation:.2f})'
        )
        return found.offset_s, found.sigma_s, agreement
    if motion.began_utc_ns is not None and log.utc_minus_log_ns is not None:
        offset_s = (motion.began_utc_ns - log.utc_minus_log_ns) / 1e9
        if _overlaps(log, offset_s):
            return offset_s, _FILE_TIME_SIGMA_S, 'by the times of day in both files, a weak tie'
    msg = (
        f'The time of {log.path} at the start of the video is not known: the turns of the image '
        'and of the vehicle do not tell it, and the times of day in the two files are missing or '
        'of different flights. Give --log-begin in seconds of the log.'
    )
    raise TelemetryError(msg)


def _overlaps(log: AutopilotLog, offset_s: float) -> bool:
    begin_s, end_s = log.positions.stamps_ns[0] / 1e9, log.positions.stamps_ns[-1] / 1e9
    return bool(begin_s - 60.0 <= offset_s <= end_s)


def _shifted(series: StampedSeries, offset_s: float) -> StampedSeries:
    """Return a series over the time of the video."""
    return StampedSeries(
        stamps_ns=series.stamps_ns - round(offset_s * 1e9),
        rows=series.rows,
        max_gap_s=series.max_gap_s,
        max_beyond_s=series.max_beyond_s,
    )
