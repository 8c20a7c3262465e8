# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Awaiting rclpy futures in the page's event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any


async def answer_of(call: Any, *, within_s: float) -> Any:
    """Return the result of an rclpy future, or None if it takes longer than `within_s`.

    A later result is ignored: it must not raise in ROS's thread, which would end.
    """
    result: Future[Any] = Future()

    def forward(done: Any) -> None:
        if result.set_running_or_notify_cancel():
            result.set_result(done.result())

    call.add_done_callback(forward)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(result), within_s)
    except asyncio.TimeoutError:
        return None
