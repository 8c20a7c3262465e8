# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which roof a flight shows, also where some of its positions were wrong."""

from __future__ import annotations

import shapely

from roof_detector.fleet.sites import FlightGround, assign_sites, outline_of


def footprints(*longitudes):
    return [shapely.to_wkb(shapely.box(one, 47.0, one + 2e-4, 47.0001)) for one in longitudes]


def test_a_flight_without_places_has_no_outline():
    assert outline_of([]) is None
    assert outline_of([None]) is None


def test_a_frame_of_a_wrong_position_makes_a_flight_of_no_other_site():
    right = outline_of(footprints(8.0, 8.0001))
    wrong = outline_of(footprints(8.05, 8.0, 8.0001))  # 3.8 km further east
    between = outline_of(footprints(8.02, 8.0201))
    assert wrong.equals(right)
    flights = [
        FlightGround(name, f'2026-03-0{day}', outline)
        for day, (name, outline) in enumerate(
            [('wrong', wrong), ('between', between), ('right', right)], 1
        )
    ]
    sites = assign_sites([], flights)
    assert [one.flight_ids for one in sites] == [('wrong', 'right'), ('between',)]
