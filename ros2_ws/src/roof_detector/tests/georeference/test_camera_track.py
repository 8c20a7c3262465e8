# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty

LENS = Lens(size_wh=(640, 480), matrix=np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]))
DOWN = CameraPose.looking_down([0, 0, 0], yaw_deg=90, pitch_deg=0, roll_deg=0)
SURE = Uncertainty(horizontal_m=0.1, vertical_m=0.2, tilt_deg=1.0, heading_deg=2.0)


def track(*, ground, mount=None, quaternion=DOWN.quaternion_xyzw, altitude_m=440.0, z=32.0):
    place = [47.0, 8.0, altitude_m, *SURE.fix_covariance.ravel()]
    attitude = [*quaternion, z, *SURE.attitude_covariance.ravel()]
    return CameraTrack(
        positions=StampedSeries.of([5], place, width=12),
        attitudes=StampedSeries.of([5], attitude, width=14),
        lens=LENS,
        ground=ground,
        mount=mount or CameraMount.optical(),
    )


@pytest.mark.parametrize(
    ('ground', 'height_m', 'sigma_m'),
    [
        (Ground(altitude_m=410.0, sigma_m=0.5), 30.0, np.hypot(0.2, 0.5)),
        (Ground(map_z_m=2.0, sigma_m=0.5), 30.0, 0.5),
        (Ground(height_m=25.0, sigma_m=0.5), 25.0, 0.5),
    ],
    ids=['altitude', 'map', 'height'],
)
def test_the_height_and_its_error_come_from_what_the_ground_is_given_by(ground, height_m, sigma_m):
    fix = track(ground=ground).at(5, size_wh=(640, 480))
    assert fix.height_m == pytest.approx(height_m)
    assert fix.position_covariance[2, 2] == pytest.approx(sigma_m**2)
    assert fix.position_covariance[0, 0] == pytest.approx(0.01)


@pytest.mark.parametrize(
    'given', [{}, {'altitude_m': 1.0, 'height_m': 2.0}, {'height_m': -1.0}], ids=str
)
def test_a_ground_is_given_in_one_way(given):
    with pytest.raises(GeoError, match=r'exactly one|expected above 0'):
        Ground(**given)


def test_a_camera_under_the_body_looks_down_with_its_upper_edge_forward():
    level_heading_north = Rotation.from_euler('z', 90, degrees=True).as_quat()
    posed = track(
        ground=Ground(height_m=30.0), mount=CameraMount.on_body(), quaternion=level_heading_north
    )
    np.testing.assert_allclose(posed.at(5, size_wh=(640, 480)).rotation, DOWN.rotation, atol=1e-9)


def test_a_gimbal_that_looks_half_down_sees_ahead():
    identity = [0.0, 0.0, 0.0, 1.0]  # level, heading east
    mount = CameraMount.on_body(down_deg=45.0)
    posed = track(ground=Ground(height_m=30.0), mount=mount, quaternion=identity)
    ahead = posed.at(5, size_wh=(640, 480)).rotation @ [0, 0, 1]
    np.testing.assert_allclose(ahead, [np.sqrt(0.5), 0, -np.sqrt(0.5)], atol=1e-9)


def test_the_lever_arm_turns_with_the_body():
    identity = [0.0, 0.0, 0.0, 1.0]
    mount = CameraMount.on_body(lever_m=(10.0, 0.0, -1.0))
    fix = track(ground=Ground(altitude_m=410.0), mount=mount, quaternion=identity).at(
        5, size_wh=(640, 480)
    )
    assert (fix.longitude_deg - 8.0) * 76_060 == pytest.approx(10.0, rel=0.01)
    assert fix.height_m == pytest.approx(29.0, abs=1e-3)
