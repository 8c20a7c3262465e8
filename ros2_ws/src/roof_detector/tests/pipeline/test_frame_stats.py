# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roof_detector.pipeline.frame_stats import FrameStats


def test_new_statistics_have_seen_nothing():
    snapshot = FrameStats().snapshot()
    assert (snapshot.seen, snapshot.processed, snapshot.waiting) == (0, 0, 0)
    assert snapshot.rate_hz == 0.0
    assert snapshot.dropped == snapshot.percentiles_s == snapshot.found == {}


@given(st.lists(st.sampled_from(['see', 'miss', 'drop', 'process']), max_size=60))
def test_seen_is_always_processed_and_dropped_and_waiting(events):
    stats, in_work = FrameStats(), 0
    for event in events:
        if event in ('see', 'miss'):
            stats.see(missed=2 if event == 'miss' else 0)
            in_work += 1
        elif in_work:
            in_work -= 1
            if event == 'drop':
                stats.drop('superseded')
            else:
                stats.process({}, found={'rust': 1}, age_s=0.1)
    snapshot = stats.snapshot()
    assert snapshot.waiting == in_work
    assert snapshot.seen == snapshot.processed + sum(snapshot.dropped.values()) + in_work


def test_percentiles_are_those_of_the_recent_frames():
    stats = FrameStats()
    for i in range(1000):
        stats.see()
        stats.process({'forward': 1.0 if i < 700 else (i - 700) / 299}, found={})
    middle, high, highest = stats.snapshot().percentiles_s['forward']
    assert abs(middle - 0.5) < 0.01
    assert abs(high - 0.95) < 0.01
    assert abs(highest - 0.99) < 0.01


def test_percentiles_are_of_the_five_seconds_before_the_newest_result():
    passed_s = [100.0]
    stats = FrameStats(clock=lambda: passed_s[-1])
    for now_s, forward_s in ((100, 9.0), (101, 9.0), (104, 1.0), (106, 2.0), (106.5, 3.0)):
        passed_s.append(now_s)
        stats.see()
        stats.process({'forward': forward_s}, found={})
    passed_s.append(107.0)
    snapshot = stats.snapshot()
    assert snapshot.percentiles_s['forward'][0] == 2.0
    assert snapshot.rate_hz == 2 / 2.5
    assert snapshot.processed == 5
    passed_s.append(120.0)
    assert stats.snapshot().rate_hz == 0
    assert stats.snapshot().percentiles_s == snapshot.percentiles_s
