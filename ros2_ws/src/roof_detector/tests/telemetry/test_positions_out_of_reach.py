# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A photo whose position no drone reaches in the time between two others."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from roof_detector.georeference.lens import Lens
from roof_detector.telemetry.photo_pose import PhotoPose
from roof_detector.telemetry.positions_out_of_reach import positions_out_of_reach

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
METRE_DEG = 1 / 111_280


def photo(number, *, at_s, north_m, noon=NOON):
    return PhotoPose(
        path=Path(f'{number}.jpg'),
        taken_at=None if at_s is None else noon + timedelta(seconds=at_s),
        latitude_deg=52.0 + north_m * METRE_DEG,
        longitude_deg=13.0,
        altitude_m=80.0,
        relative_altitude_m=40.0,
        rotation=np.eye(3),
        lens=Lens.rectified((80, 60), (100, 0, 40, 0, 0, 100, 30, 0, 0, 0, 1, 0)),
        position_covariance=np.eye(3) * 9.0,
        attitude_covariance=np.eye(3) * 1e-4,
    )


def flight(count=8, *, moved=None, every_s=2.0, **options):
    """Photos every two seconds, ten metres apart; those that are moved lie elsewhere."""
    return {
        100 + n: photo(
            n, at_s=every_s * n, north_m=10.0 * n + (moved or {}).get(n, 0.0), **options
        )
        for n in range(count)
    }


@pytest.mark.parametrize('wrong', range(8))
@pytest.mark.parametrize('off_m', [500.0, 3000.0, 19_000.0])
def test_the_one_that_is_off_is_found_wherever_in_the_flight_it_is(wrong, off_m):
    found = positions_out_of_reach(flight(moved={wrong: off_m}))
    assert list(found) == [100 + wrong]
    assert f'The position of {wrong}.jpg is' in found[100 + wrong]


def test_the_order_of_names_says_nothing():
    photos = flight(moved={5: 3000.0})
    assert list(positions_out_of_reach(dict(sorted(photos.items(), reverse=True)))) == [105]


@pytest.mark.parametrize(
    'photos',
    [
        flight(),
        flight(moved={4: 100.0}),  # a drone flies that in two seconds and the clock's error
        flight(4, moved={2: 3000.0}),  # of four who knows
        flight(moved={4: 3000.0}, every_s=120.0),  # there and back
        flight(moved={3: 3000.0, 5: 3000.0}),  # two drones, with one folder
        flight(moved=dict.fromkeys(range(4, 8), 3000.0)),  # two roofs, and a clock that is off
        {n: photo(n, at_s=None, north_m=3000.0 * (n == 3)) for n in range(8)},
    ],
)
def test_what_may_be_right_is_taken_as_it_is(photos):
    assert positions_out_of_reach(photos) == {}


def test_times_with_and_without_a_zone_are_not_compared():
    photos = flight(moved={4: 3000.0}, noon=NOON.replace(tzinfo=None))
    photos |= {n: photo(n, at_s=n, north_m=50_000.0) for n in range(3)}
    assert list(positions_out_of_reach(photos)) == [104]
