# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimedMessage:
    """Hold one serialised message (CDR) on its way into a bag."""

    topic: str
    data: bytes
    log_time_ns: int
    publish_time_ns: int
