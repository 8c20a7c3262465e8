# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How the camera of an autopilot's log looked: by its mount, its gimbal, or straight down."""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.stamped_series import StampedSeries

if TYPE_CHECKING:
    from roof_detector.telemetry.autopilot_log import AutopilotLog

_ASSUMED_TILT_DEG, _ASSUMED_HEADING_DEG = 10.0, 10.0


def camera_attitudes(
    log: AutopilotLog, mount: CameraMount | None, notes: list[str]
) -> tuple[StampedSeries, CameraMount, str]:
    """Return the attitudes of a log's camera, its mount on them, and where both are from.

    The mount that is given counts, else the gimbal, else a camera that looks straight down, which
    `notes` reports. The series has rows (14,) as that of a CameraTrack.
    """
    if mount is not None:
        return log.attitudes, mount, f'{log.path.name} and the mount that was given'
    if log.gimbal is not None:
        return log.gimbal, CameraMount.on_body(down_deg=0.0), f'gimbal of {log.path.name}'
    notes.append(
        f'{log.path.name} has no gimbal; the camera is assumed to look straight down, within '
        f'{_ASSUMED_TILT_DEG:g} degrees. Give --mount-down (90: straight down) if it was fixed so.'
    )
    tilt, heading = radians(_ASSUMED_TILT_DEG), radians(_ASSUMED_HEADING_DEG)
    rows = log.attitudes.rows.copy()
    rows[:, 5:] += np.diag([tilt**2, tilt**2, heading**2]).ravel()
    series = StampedSeries(
        stamps_ns=log.attitudes.stamps_ns,
        rows=rows,
        max_gap_s=log.attitudes.max_gap_s,
        max_beyond_s=log.attitudes.max_beyond_s,
    )
    return series, CameraMount.on_body(), f'{log.path.name}, camera assumed to look straight down'
