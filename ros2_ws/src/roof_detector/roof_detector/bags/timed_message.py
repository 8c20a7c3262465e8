# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A serialised message with its times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TimedMessage:
    """One serialised message (CDR) that goes into a bag."""

    topic: str
    data: bytes
    log_time_ns: int
    publish_time_ns: int
