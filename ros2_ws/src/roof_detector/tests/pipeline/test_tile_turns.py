# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from roof_detector.pipeline.tiles import TileBudget, TileReport, TileTurns
from roof_detector.vision.tiles import TileGrid

FIVE = TileGrid.fit((500, 100), tile_wh=(100, 100), overlap=0.0)


def test_the_tiles_left_alone_the_longest_have_their_turn_first():
    turns = TileTurns()
    taken = [
        turns.next_positions(FIVE, count, now_s=now) for now, count in enumerate((2, 2, 2, 3, 1))
    ]
    assert taken == [(0, 1), (2, 3), (4, 0), (1, 2, 3), (0,)]


def test_no_tile_waits_longer_than_a_round():
    turns = TileTurns()
    last = dict.fromkeys(range(5), 0)
    for frame in range(1, 40):
        for position in turns.next_positions(FIVE, 2, now_s=frame):
            assert frame - last[position] <= 3
            last[position] = frame


def test_the_report_says_how_many_were_seen_and_since_when_one_was_not():
    turns = TileTurns()
    assert turns.report is None
    turns.next_positions(FIVE, 3, now_s=10.0)
    assert turns.report == TileReport(tiles=5, inferred=3, since_s=10.0)
    turns.next_positions(FIVE, 3, now_s=12.0)
    assert turns.report == TileReport(tiles=5, inferred=3, since_s=10.0)
    turns.next_positions(FIVE, 9, now_s=13.0)
    assert turns.report == TileReport(tiles=5, inferred=5, since_s=13.0)
    turns.reset()
    assert turns.report is None


def test_frames_of_another_size_begin_anew():
    turns = TileTurns()
    turns.next_positions(FIVE, 3, now_s=0.0)
    other = TileGrid.fit((100, 300), tile_wh=(100, 100), overlap=0.0)
    assert turns.next_positions(other, 2, now_s=5.0) == (0, 1)
    assert turns.report == TileReport(tiles=3, inferred=2, since_s=5.0)


def test_a_frame_without_tiles_has_no_turns():
    turns = TileTurns()
    whole = TileGrid.fit((50, 50), tile_wh=(100, 100), overlap=0.0)
    assert turns.next_positions(whole, 3, now_s=1.0) == ()
    assert turns.report == TileReport(tiles=0, inferred=0, since_s=1.0)


def test_as_many_tiles_have_their_turn_as_fit_into_the_budget():
    budget = TileBudget()
    assert budget.count(0.1) == 1  # nothing is known yet
    budget.spend(1, seconds=0.01)
    assert budget.count(0.1) == 10
    assert budget.count(0.055) == 5
    assert budget.count(0.001) == 1


def test_one_slow_pass_changes_nothing_and_slower_ones_leave_tiles_out():
    budget = TileBudget()
    for _ in range(9):
        budget.spend(1, seconds=0.01)
    assert budget.count(0.05) == 5
    budget.spend(5, seconds=5.0)
    assert budget.count(0.05) == 5
    for _ in range(9):
        budget.spend(5, seconds=0.1)
    assert budget.count(0.05) == 2


def test_the_number_does_not_waver_between_two_that_both_nearly_fit():
    budget = TileBudget()
    budget.spend(1, seconds=0.01)
    assert budget.count(0.035) == 3
    assert budget.count(0.042) == 3
    assert budget.count(0.046) == 4
