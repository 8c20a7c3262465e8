# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The telemetry that a video holds, whichever way it holds it, as samples over its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TelemetrySample:
    """What a video tells of one moment: in a subtitle, or in a packet of a track.

    `begin_s` and `end_s` count from the start of the video. Angles are in degrees; `gimbal` is
    yaw, pitch, roll of the camera in north, east, down (pitch -90 looks straight down). `time` is
    what the drone's clock showed, in its own time zone. `focal_35mm` is in millimetres.
    `dilution` is that of the receiver's precision.
    """

    begin_s: float
    end_s: float
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_m: float | None = None
    relative_altitude_m: float | None = None
    gimbal: tuple[float, float, float] | None = None
    flight_yaw_deg: float | None = None
    time: datetime | None = None
    focal_35mm: float | None = None
    dilution: float | None = None


@dataclass(frozen=True)
class VideoTelemetry:
    """All samples of a video in order, and notes about them, a sentence each.

    `holder` is what the video holds them in.
    """

    path: Path
    samples: tuple[TelemetrySample, ...]
    notes: tuple[str, ...] = ()
    holder: str = 'subtitles'
