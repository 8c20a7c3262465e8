# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.ros.detector.camera_outputs import RateLimit


def chosen(times_s, rate_hz):
    limit = RateLimit()
    return [now_s for now_s in times_s if limit.allows(rate_hz, now_s=now_s)]


@pytest.mark.parametrize('rate_hz', [3.0, 10.0, 14.0, 20.0])
def test_as_many_as_are_wanted_are_chosen_evenly_from_frames_that_jitter(rate_hz):
    random = np.random.default_rng(4)
    times_s = np.arange(3000) / 30 + random.uniform(-0.01, 0.01, 3000)
    taken_s = chosen(times_s, rate_hz)
    assert len(taken_s) == pytest.approx(100 * rate_hz, rel=0.02)
    assert np.diff(taken_s).max() < 1 / rate_hz + 1 / 30 + 0.02


def test_a_rate_above_that_of_the_frames_or_none_chooses_all():
    times_s = np.arange(100) / 30
    assert len(chosen(times_s, 0.0)) == len(chosen(times_s, 31.0)) == 100


def test_turns_that_nothing_came_for_are_not_made_up_for():
    taken_s = chosen([0.0, 100.0, 100.01, 100.02, 100.5, 101.0], 1.0)
    assert taken_s == [0.0, 100.0, 101.0]


def test_a_rate_may_change_at_any_time():
    limit = RateLimit()
    assert limit.allows(0.1, now_s=0.0)
    assert not limit.allows(0.1, now_s=9.0)
    assert limit.allows(0.0, now_s=9.1)
    assert limit.allows(5.0, now_s=9.2), 'the turn of 0.1 Hz is not waited for'
    assert not limit.allows(5.0, now_s=9.3)
    assert limit.allows(5.0, now_s=9.4)
