# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From ROS's thread to the page's event loop: the answer to a call."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any


async def answer_of(call: Any, *, within_s: float) -> Any:
    """Wait for the result of one of rclpy's futures; return None where it takes too long.

    One that comes later is let go: it must not raise in ROS's thread, which would end with it.
    """
    answer: Future[Any] = Future()

    def hand_over(done: Any) -> None:
        if answer.set_running_or_notify_cancel():
            answer.set_result(done.result())

    call.add_done_callback(hand_over)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), within_s)
    except asyncio.TimeoutError:
        return None
