# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries

S = 1_000_000_000


def test_an_empty_series_has_no_values():
    with pytest.raises(GeoError, match='no fix at all'):
        StampedSeries.of([], [], width=2).at(0, what='fix')


def test_between_two_stamps_rows_run_straight():
    series = StampedSeries.of([S, 2 * S], [0, 10, 4, 20], width=2)
    np.testing.assert_allclose(series.at(S + S // 4, what='fix'), [1, 12.5])
    np.testing.assert_allclose(series.at(2 * S, what='fix'), [4, 20])


def test_rows_are_sorted_and_the_last_of_one_stamp_counts():
    series = StampedSeries.of([3, 1, 3], [30, 10, 31], width=1)
    assert series.stamps_ns.tolist() == [1, 3] and series.rows.ravel().tolist() == [10, 31]


def test_a_gap_is_not_bridged():
    with pytest.raises(GeoError, match=r'no pose for 5\.0 s around this frame'):
        StampedSeries.of([0, 5 * S], [0, 1], width=1).at(S, what='pose')


@pytest.mark.parametrize(
    ('stamp_ns', 'complaint'),
    [(9 * S, '1.00 s before the first fix'), (12 * S, '1.00 s after the last fix')],
    ids=['before', 'after'],
)
def test_nothing_is_guessed_beyond_the_ends(stamp_ns, complaint):
    series = StampedSeries.of([10 * S, 11 * S], [0, 1], width=1)
    with pytest.raises(GeoError, match=complaint):
        series.at(stamp_ns, what='fix')


@settings(deadline=None, max_examples=40)
@given(st.floats(-170, 170), st.floats(-60, 60), st.floats(0, 1), st.booleans())
def test_an_attitude_turns_evenly_by_the_shorter_way(start_deg, by_deg, share, negated):
    def quaternion(yaw_deg):
        pose = CameraPose.looking_down([0, 0, 0], yaw_deg=yaw_deg, pitch_deg=5, roll_deg=0)
        return pose.quaternion_xyzw

    end = quaternion(start_deg + by_deg) * (-1 if negated else 1)
    series = StampedSeries.of([0, S], [*quaternion(start_deg), *end], width=4)
    stamp_ns = round(share * S)
    turned = series.at(stamp_ns, what='pose', quaternions=True)
    expected = quaternion(start_deg + by_deg * stamp_ns / S)
    np.testing.assert_allclose(
        Rotation.from_quat(turned).as_matrix(), Rotation.from_quat(expected).as_matrix(), atol=1e-4
    )
