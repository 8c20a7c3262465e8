# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Answers of nodes, in time and too late."""

from __future__ import annotations

import asyncio
import warnings

from rclpy.task import Future

from roof_detector.station.answer import answer_of


def test_an_answer_in_time_is_returned():
    async def ask():
        call = Future()
        asyncio.get_running_loop().call_later(0.01, call.set_result, 'yes')
        return await answer_of(call, within_s=300)

    assert asyncio.run(ask()) == 'yes'


def test_a_late_answer_hurts_nobody():
    call = Future()
    assert asyncio.run(answer_of(call, within_s=0.01)) is None
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # so rclpy tells of what callbacks raise
        call.set_result('yes')
