# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
import time

from roof_detector.inputs.pace import Pace


def test_a_frame_without_a_due_time_is_never_held_back():
    assert Pace().wait_until_due(None) == 0.0


def test_the_first_frame_is_on_time_whenever_it_comes():
    assert Pace().wait_until_due(5_000_000_000) == 0.0


def test_lateness_is_returned_and_does_not_shift_the_frames_that_follow():
    pace = Pace()
    begun_s = time.monotonic()
    pace.wait_until_due(0)
    begun_by_s = time.monotonic()
    time.sleep(0.06)
    assert pace.wait_until_due(20_000_000) >= 0.04
    pace.wait_until_due(200_000_000)
    assert time.monotonic() - begun_s >= 0.2
    time.sleep(0.01)
    asked_s = time.monotonic()
    late_s = pace.wait_until_due(200_000_000)
    # Counted from the first frame; however busy the machine is, it lies between these.
    assert asked_s - begun_by_s <= late_s + 0.2 + 1e-6
    assert late_s + 0.2 <= time.monotonic() - begun_s + 1e-6


def test_stopping_ends_a_wait():
    pace = Pace()
    pace.wait_until_due(0)
    threading.Timer(0.05, pace.stop).start()
    start = time.monotonic()
    pace.wait_until_due(60_000_000_000)
    assert time.monotonic() - start < 30
    assert pace.stopped
