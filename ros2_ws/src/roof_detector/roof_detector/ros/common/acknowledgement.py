# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Waiting until readers have acknowledged what was published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rclpy.duration import Duration

if TYPE_CHECKING:
    from rclpy.publisher import Publisher

_LOOK = Duration(nanoseconds=1_000_000)
_PAUSE_S = 0.02


def wait_for_readers(publisher: Publisher, *, within_s: float) -> bool:
    """Wait until every reliable reader has acknowledged; return whether all did in time.

    rclpy's own wait holds Python's lock all the time, up to a heartbeat of 3 s: every other thread
    of the process would look hung.
    """
    deadline_s = time.monotonic() + within_s
    while not publisher.wait_for_all_acked(_LOOK):
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(_PAUSE_S)
    return True
