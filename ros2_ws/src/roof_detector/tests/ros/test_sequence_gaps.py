# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roof_detector.ros.common.sequence_gaps import SequenceGaps


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
