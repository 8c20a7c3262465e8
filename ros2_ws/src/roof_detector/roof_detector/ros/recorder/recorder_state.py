# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How the recorder is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.bags.black_box import BlackBoxState
    from roof_detector.ros.recorder.listening import ListeningReport
    from roof_detector.ros.recorder.recording import RecordingReport


@dataclass(frozen=True, kw_only=True)
class RecorderState:
    """Say what is recorded, held and deleted; counts are since the recorder's start.

    `report` is that of the present bag or else of the last one, None before the first; `failure`
    says why the last attempt to record failed, empty where it did not; `finishing` bags were
    ended and are still being written; `box` is None without a black box; `heard` is None while
    nothing is listened to.
    """

    is_recording: bool = False
    is_event: bool = False
    report: RecordingReport | None = None
    failure: str = ''
    finishing: int = 0
    box: BlackBoxState | None = None
    events: int = 0
    last_trigger: str = ''
    marks: int = 0
    deleted_recordings: int = 0
    deleted_files: int = 0
    deleted_bytes: int = 0
    heard: ListeningReport | None = None
