# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from roof_detector.inputs.due_times import LONGEST_GAP_S, DueTimes

YEARS_NS = 10 * 365 * 86_400 * 10**9


def test_times_of_a_flight_stay_as_they_are():
    due = DueTimes()
    times = [0, 100, 10**9, 10**9, 59 * 10**9, 58 * 10**9]
    assert [due.of(time) for time in times] == times
    assert (due.shortened, due.warning) == (0, '')


def test_a_gap_of_ten_years_is_played_as_a_second_and_reported():
    due = DueTimes()
    times = [0, 10**8, YEARS_NS, YEARS_NS + 10**8]
    assert [due.of(time) for time in times] == [0, 10**8, 11 * 10**8, 12 * 10**8]
    assert due.warning == (
        '1 gaps between recorded times, the longest of 315360000 s, are played as 1 s.'
    )


def test_times_that_go_back_by_years_go_on():
    due = DueTimes()
    assert [due.of(time) for time in (YEARS_NS, 0, 10**8)] == [
        YEARS_NS,
        YEARS_NS + 10**9,
        YEARS_NS + 11 * 10**8,
    ]
    assert due.shortened == 1


@given(st.lists(st.integers(-(2**63), 2**64), max_size=30))
def test_no_frame_is_due_later_than_a_minute_after_the_one_before(times):
    due = DueTimes()
    moments = [due.of(time) for time in times]
    for before, after in pairwise(moments):
        assert abs(after - before) <= LONGEST_GAP_S * 1e9
