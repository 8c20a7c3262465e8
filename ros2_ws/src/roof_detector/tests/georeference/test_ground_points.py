# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyproj import Geod

from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground_points import GroundPoints, ground_points
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.uncertainty import Uncertainty

LENS = Lens(size_wh=(1001, 801), matrix=np.array([[1000.0, 0, 500], [0, 1000, 400], [0, 0, 1]]))
NONE = np.zeros((3, 3))
GEOD = Geod(ellps='WGS84')


def fix(*, yaw_deg=90.0, pitch_deg=0.0, roll_deg=0.0, height_m=50.0, place=NONE, attitude=NONE):
    pose = CameraPose.looking_down(
        [0, 0, 0], yaw_deg=yaw_deg, pitch_deg=pitch_deg, roll_deg=roll_deg
    )
    return CameraFix(
        stamp_ns=0,
        latitude_deg=47.3769,
        longitude_deg=8.5417,
        altitude_m=height_m,
        height_m=height_m,
        rotation=pose.rotation,
        lens=LENS,
        position_covariance=place,
        attitude_covariance=attitude,
    )


def east_north(points, *, of):
    azimuth, _, distance = GEOD.inv(
        [of.longitude_deg] * len(points.longitude_deg),
        [of.latitude_deg] * len(points.latitude_deg),
        points.longitude_deg.tolist(),
        points.latitude_deg.tolist(),
    )
    angle, distance = np.radians(azimuth), np.array(distance)
    return np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])


def test_no_pixels_show_no_ground():
    assert ground_points(fix(), np.zeros((0, 2)), pixel_px=1.0).error_m.shape == (0,)


def test_straight_down_is_below_the_camera():
    points = ground_points(fix(), [[500, 400]], pixel_px=0.0)
    assert points.latitude_deg[0] == pytest.approx(47.3769, abs=1e-9)
    assert points.longitude_deg[0] == pytest.approx(8.5417, abs=1e-9)
    assert points.error_m[0] == 0.0


@pytest.mark.parametrize(
    ('yaw_deg', 'expected'),
    [(90.0, (5.0, 10.0)), (0.0, (10.0, -5.0)), (180.0, (-10.0, 5.0)), (-90.0, (-5.0, -10.0))],
    ids=['north', 'east', 'west', 'south'],
)
def test_a_level_camera_sees_metres_in_proportion_to_its_height(yaw_deg, expected):
    camera = fix(yaw_deg=yaw_deg)
    points = ground_points(camera, [[600, 200]], pixel_px=0.0)
    np.testing.assert_allclose(east_north(points, of=camera)[0], expected, atol=1e-3)


def test_a_camera_tipped_forward_sees_ahead_of_it():
    camera = fix(pitch_deg=30.0)
    points = ground_points(camera, [[500, 400]], pixel_px=0.0)
    expected = 0.0, 50 * np.tan(np.radians(30))
    np.testing.assert_allclose(east_north(points, of=camera)[0], expected, atol=1e-3)


def test_a_ray_above_the_horizon_meets_no_ground():
    points = ground_points(fix(pitch_deg=75.0), [[500, 0], [500, 800]], pixel_px=1.0)
    assert np.isnan(points.latitude_deg[0]) and np.isnan(points.error_m[0])
    assert np.isfinite([points.latitude_deg[1], points.error_m[1]]).all()


def test_a_camera_below_the_ground_is_refused():
    with pytest.raises(GeoError, match='give the altitude of the roofs'):
        fix(height_m=-1.0)


@pytest.mark.parametrize(
    ('angles', 'place', 'attitude', 'pixel_px'),
    [
        ((0, 0), np.diag([0.5, 0.1, 0.0]), NONE, 0.0),
        ((25, 10), np.diag([0.0, 0.0, 4.0]), NONE, 0.0),
        ((0, 0), NONE, Uncertainty().attitude_covariance, 0.0),
        ((30, -15), NONE, Uncertainty().attitude_covariance, 0.0),
        ((20, 5), NONE, NONE, 5.0),
        ((35, 20), np.diag([1.0, 2.0, 3.0]), Uncertainty().attitude_covariance, 3.0),
    ],
    ids=['fix', 'height', 'level_attitude', 'tilted_attitude', 'pixel', 'all'],
)
def test_the_stated_error_holds_95_of_100_perturbed_flights(angles, place, attitude, pixel_px):
    truth = fix(yaw_deg=33.0, pitch_deg=angles[0], roll_deg=angles[1])
    pixel = np.array([[700.0, 250.0]])
    stated = ground_points(
        replace(truth, position_covariance=place, attitude_covariance=attitude),
        pixel,
        pixel_px=pixel_px,
    )
    exact = east_north(ground_points(truth, pixel, pixel_px=0.0), of=truth)
    rng = np.random.default_rng(5)
    earth = LocalTangentPlane(truth.latitude_deg, truth.longitude_deg, truth.altitude_m)
    seen = []
    for _ in range(300):
        moved = rng.multivariate_normal(np.zeros(3), place)
        latitude, longitude, _ = earth.to_geodetic([moved[0], moved[1], 0.0])
        perturbed = replace(
            truth,
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
            height_m=truth.height_m + moved[2],
            rotation=turn(rng.multivariate_normal(np.zeros(3), attitude)) @ truth.rotation,
        )
        seen.append(ground_points(perturbed, pixel + rng.normal(0, pixel_px, 2), pixel_px=0.0))
    columns = ([getattr(p, name)[0] for p in seen] for name in ('latitude_deg', 'longitude_deg'))
    latitudes, longitudes = map(np.array, columns)
    found = GroundPoints(
        latitude_deg=latitudes, longitude_deg=longitudes, error_m=np.zeros(len(seen))
    )
    misses = np.linalg.norm(east_north(found, of=truth) - exact, axis=1)
    rms = np.sqrt(np.mean(np.square(misses)))
    assert 2 * rms == pytest.approx(stated.error_m[0], rel=0.12)
    assert 0.93 <= np.mean(misses <= stated.error_m[0]) <= 0.995


def turn(vector):
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
