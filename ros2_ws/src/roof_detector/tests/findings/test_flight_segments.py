# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where a stream of camera fixes is divided, and which of them cannot be used."""

from __future__ import annotations

import pytest

from roof_detector.findings.flight_segments import (
    FlightSegments,
    PhotoParts,
    first_of_most,
    first_sure_ns,
)
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


@pytest.fixture
def parts(roof):
    def divide(stamps_and_easts, **options):
        flown = roof([])
        segments = FlightSegments(flown.ORIGIN, **options)
        fixes = [flown.fix((east, 0), stamp_ns=int(s * 1e9)) for s, east in stamps_and_easts]
        return [segments.part_of(fix) for fix in fixes], segments

    return divide


def test_a_flight_without_jumps_is_one_part(parts):
    assert parts([(0, 0), (1, 10), (2, 20)])[0] == [0, 0, 0]


def test_a_fix_that_jumps_belongs_to_no_part_until_the_camera_stays_there(parts):
    found, segments = parts([(0, 0), (1, 500), (2, 10), *((3 + n, 900) for n in range(6))])
    assert found == [0, None, 0, None, None, None, None, 1, 1]
    assert segments.jumped == 5


def test_photos_far_apart_do_not_jump(parts):
    assert parts([(0, 0), (1, 120), (2, 240)], timed=False)[0] == [0, 0, 0]


def test_a_photo_of_another_continent_belongs_to_no_part(parts):
    found, segments = parts([(0, 0), (1, 50_000)], timed=False)
    assert found == [0, None]
    assert segments.too_far == 1


def test_photos_are_of_one_part_until_none_is_taken_for_ten_minutes():
    minutes = [0, 3, 12, 23, 24, 400]
    times_ns = [minute * 60 * 10**9 for minute in minutes]
    # Two cards in one folder: the order of the names is not that of the flights.
    divided = PhotoParts(times_ns[::-1])
    assert [divided.part_of(one) for one in times_ns] == [0, 0, 0, 1, 1, 2]
    assert divided.part_of(None) == 0
    assert PhotoParts([]).part_of(5) == 0


@pytest.mark.parametrize(
    ('stamps_and_easts', 'sure_s'),
    [
        ([], None),
        ([(0, 900), (1, 0), (2, 10), (3, 20)], None),
        ([(0, 900), *((n, 10 * n) for n in range(1, 9))], 1),
        ([*((n, 900) for n in range(4)), (4, 400), *((n, 10 * n) for n in range(5, 12))], 5),
        ([*((n, 900) for n in range(5)), *((n, 10 * n) for n in range(5, 12))], None),
        ([(0, 0), *((700 + n, 10 * n) for n in range(9))], None),
    ],
    ids=['none', 'too few to tell', 'one wrong', 'four wrong', 'a part of five', 'a pause'],
)
def test_a_first_part_of_fewer_than_five_frames_that_is_left_is_wrong(
    roof, stamps_and_easts, sure_s
):
    flown = roof([])
    fixes = [flown.fix((east, 0), stamp_ns=int(s * 1e9)) for s, east in stamps_and_easts]
    begin_ns = first_sure_ns(fixes, flown.ORIGIN)
    assert begin_ns == (None if sure_s is None else sure_s * 10**9)
    segments = FlightSegments(flown.ORIGIN, begin_ns=begin_ns)
    found = [segments.part_of(fix) for fix in fixes]
    if sure_s is not None:
        assert found == [None] * sure_s + [0] * (len(fixes) - sure_s)
        assert segments.jumped == sure_s


def test_of_two_places_far_apart_the_one_of_more_frames_is_the_origin():
    places = [LocalTangentPlane(latitude, 8.0, 0.0) for latitude in (48.0, 47.0, 47.001)]
    assert first_of_most(places, [60, 40, 40]) == 1
    assert first_of_most(places, [90, 40, 40]) == 0
    assert first_of_most(places, [80, 40, 40]) == 0
