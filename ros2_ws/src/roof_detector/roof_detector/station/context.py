# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the panels of the page share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.results.report.branding import Branding
    from roof_detector.station.flight_store import FlightStore
    from roof_detector.station.folders import StationFolders
    from roof_detector.station.jobs.job_queue import JobQueue
    from roof_detector.station.language import Language
    from roof_detector.station.model_store import ModelStore
    from roof_detector.station.review.review_boards import ReviewBoards
    from roof_detector.station.ros_bridge import RosBridge


@dataclass(frozen=True, kw_only=True)
class StationContext:
    """The parts of the station that the panels of the page use.

    `text` returns texts by key. `upload_limit_bytes` is the maximum size of an uploaded file.
    """

    branding: Branding
    text: Language
    bridge: RosBridge
    folders: StationFolders
    queue: JobQueue
    models: ModelStore
    flights: FlightStore
    boards: ReviewBoards
    upload_limit_bytes: int
    jpeg_quality: int
    video_width: int
