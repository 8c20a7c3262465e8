# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from roof_detector.georeference.pose import CameraPose

ANGLES = st.floats(-180, 180)
TILTS = st.floats(-40, 40)


def test_a_level_camera_heading_north_sees_east_to_its_right_and_north_up() -> None:
    pose = CameraPose.looking_down([0, 0, 10], yaw_deg=90, pitch_deg=0, roll_deg=0)
    np.testing.assert_allclose(pose.to_optical([1.0, 0.0, 0.0]), [1, 0, 10], atol=1e-9)
    np.testing.assert_allclose(pose.to_optical([0.0, 1.0, 0.0]), [0, -1, 10], atol=1e-9)


def test_pitch_tips_the_view_forward() -> None:
    pose = CameraPose.looking_down([0, 0, 10], yaw_deg=90, pitch_deg=20, roll_deg=0)
    assert (pose.rotation @ [0, 0, 1])[1] > 0.3


@settings(deadline=None, max_examples=60)
@given(ANGLES, TILTS, TILTS)
def test_the_quaternion_is_a_unit_and_means_the_same_rotation(
    yaw: float, pitch: float, roll: float
) -> None:
    pose = CameraPose.looking_down([1, 2, 3], yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    np.testing.assert_allclose(np.linalg.norm(pose.quaternion_xyzw), 1.0)
    np.testing.assert_allclose(np.linalg.det(pose.rotation), 1.0)
    np.testing.assert_allclose(
        Rotation.from_quat(pose.quaternion_xyzw).as_matrix(), pose.rotation, atol=1e-9
    )
