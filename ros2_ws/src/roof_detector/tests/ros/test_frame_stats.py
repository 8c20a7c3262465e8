# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from roof_detector.ros.common.sequence_gaps import SequenceGaps
from roof_detector.ros.detector.frame_stats import FrameStats
from roof_detector.ros.detector.mailbox import Mailbox


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


def test_an_empty_mailbox_lets_its_taker_go_when_it_closes():
    mailbox: Mailbox[int] = Mailbox()
    taken = []
    taker = threading.Thread(target=lambda: taken.append(mailbox.take()))
    taker.start()
    assert mailbox.close() == ()
    taker.join(timeout=10)
    assert taken == [None]


def test_the_newest_item_displaces_the_one_that_waits():
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.put(1) is None
    assert mailbox.put(2) == 1
    assert mailbox.take() == 2


def test_a_closed_mailbox_hands_everything_back():
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    assert mailbox.close() == (1,)
    assert mailbox.put(2) == 2
    assert mailbox.take() is None


def test_senders_are_served_in_the_order_in_which_they_began_to_wait():
    mailbox: Mailbox[str] = Mailbox()
    for item, sender in (('a1', 'a'), ('b1', 'b'), ('a2', 'a')):
        mailbox.put(item, sender=sender)
    assert mailbox.take() == 'a2'
    mailbox.put('a3', sender='a')
    assert [mailbox.take(), mailbox.take()] == ['b1', 'a3']


def count(gaps, number, time, *, publishers='a'):
    ids = frozenset(one.encode() for one in publishers)
    return gaps.count(number, source_timestamp_ns=time, publishers=ids)


def test_the_first_message_misses_nothing_whatever_its_number():
    assert count(SequenceGaps(), 40, 1) == 0


def test_a_gap_is_the_numbers_left_out():
    gaps = SequenceGaps()
    assert [count(gaps, n, n) for n in (5, 6, 9, 10)] == [0, 0, 2, 0]


def test_a_message_heard_twice_is_one():
    gaps = SequenceGaps()
    assert [count(gaps, n, n) for n in (5, 6, 6, 5, 7)] == [0, 0, None, None, 0]
    assert gaps.repeated == 2


def test_a_restarted_publisher_begins_anew():
    gaps = SequenceGaps()
    assert count(gaps, 100, 1000) == 0
    assert count(gaps, 3, 2000) == 0
    assert count(gaps, 5, 2001) == 1


def test_a_camera_that_restarts_with_its_clock_behind_is_heard_from_its_first_frame():
    gaps = SequenceGaps()
    assert [count(gaps, n, 10_000 + n) for n in range(1, 200)] == [0] * 199
    assert [count(gaps, n, 500 + n) for n in range(1, 20)] == [0] * 19
    assert gaps.repeated == 0


def test_another_publisher_is_no_gap_and_its_own_gaps_count():
    gaps = SequenceGaps()
    assert count(gaps, 1, 1, publishers='') == 0  # not yet discovered
    assert count(gaps, 4, 2) == 2
    assert count(gaps, 90, 3, publishers='b') == 0
    assert count(gaps, 92, 4, publishers='b') == 1


def test_numbers_of_several_publishers_are_no_gaps():
    gaps = SequenceGaps()
    assert count(gaps, 100, 1) == 0
    assert count(gaps, 7, 2, publishers='ab') == 0
    assert count(gaps, 103, 3, publishers='ab') == 0
    assert count(gaps, 109, 4) == 0
    assert count(gaps, 111, 5) == 1


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=80),
    st.sampled_from(['', 'a', 'ab']),
)
def test_only_what_is_the_same_message_is_left_out(arrivals, publishers):
    gaps, heard = SequenceGaps(), set()
    for number, time in arrivals:
        missed = count(gaps, number, time, publishers=publishers)
        assert (missed is None) == ((number, time) in heard)
        heard.add((number, time))
    assert gaps.repeated == len(arrivals) - len(heard)
