# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Overlapping photos are made to agree, on a painted level ground and on real ones."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.ground_points import ground_points
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.overlap import adjust
from roof_detector.telemetry.photo_pose import PhotoPose, read_photo_pose
from roof_detector.telemetry.photo_track import PhotoTrack

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
EARTH = LocalTangentPlane(52.52, 13.41, 0.0)
SIZE, FOCAL, HEIGHT_M, SCALE = (640, 480), 500.0, 30.0, 0.04
LENS = Lens(size_wh=SIZE, matrix=np.array([[FOCAL, 0, 319.5], [0, FOCAL, 239.5], [0, 0, 1]]))
CORNERS = np.array([[80.0, 80.0], [560.0, 80.0], [560.0, 400.0], [80.0, 400.0], [320.0, 240.0]])


@pytest.fixture(scope='module')
def carpet():
    """Return a ground of 100 m in squares with blotches of every size, 4 cm a pixel."""
    rng, side = np.random.default_rng(5), 2500
    grown = [
        cv2.resize(rng.normal(size=(n, n)).astype(np.float32), (side, side))
        for n in (40, 160, 640)
    ]
    total = np.sum(grown, axis=0)
    return cv2.normalize(total, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


class CarpetFlight:
    """Photos of the carpet from known places, and tags that are off."""

    def __init__(self, carpet, *, seed=3, upside_down=()):
        rng = np.random.default_rng(seed)
        self.true, self.told, self.images = [], [], {}
        for row, column in ((r, c) for r in range(2) for c in range(3)):
            yaw = 90.0 if row == 0 else 270.0
            where = np.array([column * 11.0 - 11.0, row * 12.0 - 6.0, HEIGHT_M])
            tilt = rng.normal(0, 1, 2)
            pose = CameraPose.looking_down(where, yaw_deg=yaw, pitch_deg=tilt[0], roll_deg=tilt[1])
            number = len(self.true)
            image = self._photo(carpet, pose)
            if number in upside_down:
                image = cv2.rotate(image, cv2.ROTATE_180)
                turned = pose.rotation @ np.diag([-1.0, -1.0, 1.0])
            self.true.append(turned if number in upside_down else pose.rotation)
            off = Rotation.from_euler('xyz', rng.normal(0, (0.7, 0.7, 2.0)), degrees=True)
            gps = where + np.array([*rng.normal(0, 2, 2), 0.0])
            told = self._pose(f'{number}.jpg', gps, off.as_matrix() @ pose.rotation)
            self.told.append(told)
            self.images[told.path.name] = image
            self.true[-1] = self._pose(told.path.name, where, self.true[-1])

    @staticmethod
    def _pose(name, where, rotation):
        latitude, longitude, _ = EARTH.to_geodetic(where * (1, 1, 0))
        return PhotoPose(
            path=Path(name),
            taken_at=None,
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
            altitude_m=130.0,
            relative_altitude_m=HEIGHT_M,
            rotation=rotation,
            lens=LENS,
            position_covariance=Uncertainty().fix_covariance,
            attitude_covariance=Uncertainty().attitude_covariance,
        )

    @staticmethod
    def _photo(carpet, pose):
        inverse = np.linalg.inv(LENS.matrix)
        rays = pose.rotation @ inverse  # pixel -> direction in east, north, up
        to_ground = np.array(
            [
                pose.position_enu[0] * -rays[2] + pose.position_enu[2] * rays[0],
                pose.position_enu[1] * -rays[2] + pose.position_enu[2] * rays[1],
                -rays[2],
            ]
        )
        middle = (np.array(carpet.shape) - 1) / 2
        to_carpet = np.array([[1 / SCALE, 0, middle[1]], [0, -1 / SCALE, middle[0]], [0, 0, 1]])
        return cv2.warpPerspective(carpet, np.linalg.inv(to_carpet @ to_ground), SIZE)

    def adjusted(self):
        heights = [pose.relative_altitude_m for pose in self.told]
        return adjust(self.told, heights, lambda pose: self.images[pose.path.name])


def on_ground(pose, pixels):
    track = PhotoTrack({0: pose}, Ground(map_z_m=0.0))
    found = ground_points(track.at(0, size_wh=pose.lens.size_wh), pixels, pixel_px=1.0)
    return EARTH.to_enu(np.stack([found.latitude_deg, found.longitude_deg, found.error_m * 0], -1))


def disagreement(poses, truth):
    """Return by how many metres photos put the same places of the ground apart, at most."""
    moved = [
        on_ground(p, CORNERS) - on_ground(t, CORNERS) for p, t in zip(poses, truth, strict=True)
    ]
    errors = np.array(moved)[:, :, :2]
    return max(np.linalg.norm(a - b, axis=1).max() for a, b in combinations(errors, 2))


def test_neighbours_agree_to_half_a_metre(carpet):
    flight = CarpetFlight(carpet)
    assert disagreement(flight.told, flight.true) > 3.0
    adjusted = flight.adjusted()
    assert disagreement(adjusted.poses, flight.true) < 0.5
    assert adjusted.turned == ()
    assert adjusted.apart_after_m < 0.1 < adjusted.apart_before_m


@pytest.mark.parametrize('upside_down', [{3, 4, 5}, {1}])
def test_photos_that_were_saved_upside_down_are_found(carpet, upside_down):
    flight = CarpetFlight(carpet, upside_down=upside_down)
    adjusted = flight.adjusted()
    assert set(adjusted.turned) == {f'{number}.jpg' for number in upside_down}
    assert disagreement(adjusted.poses, flight.true) < 0.5
    assert 'upside down' in ' '.join(adjusted.notes)


def test_photos_without_anything_in_common_stay_as_they_are(carpet):
    flight = CarpetFlight(carpet)
    blank = {name: np.full(SIZE[::-1], 128, np.uint8) for name in flight.images}
    heights = [pose.relative_altitude_m for pose in flight.told]
    adjusted = adjust(flight.told, heights, lambda pose: blank[pose.path.name])
    assert adjusted.poses == tuple(flight.told)
    assert adjusted.notes == ()


@pytest.mark.parametrize(('latitude', 'longitude'), [(53.5, 13.41), (0.0, 0.0)])
def test_a_first_photo_of_a_wrong_position_moves_no_other(carpet, latitude, longitude):
    flight = CarpetFlight(carpet)
    alone = flight.adjusted().poses
    wrong = replace(
        flight.told[0], path=Path('wrong.jpg'), latitude_deg=latitude, longitude_deg=longitude
    )
    flight.told.insert(0, wrong)
    flight.images['wrong.jpg'] = flight.images['0.jpg']
    first, *others = flight.adjusted().poses
    places = [
        EARTH.to_enu([[one.latitude_deg, one.longitude_deg, 0.0] for one in poses])
        for poses in (others, alone)
    ]
    assert np.abs(places[0] - places[1])[:, :2].max() < 0.05
    assert first.latitude_deg == pytest.approx(latitude, abs=1e-9)
    assert first.longitude_deg == pytest.approx(longitude, abs=1e-9)


@pytest.mark.skipif(not (DATA / 'drone_photos').is_dir(), reason='shared data is absent')
def test_the_upside_down_row_of_real_photos_is_found():
    poses = [read_photo_pose(path) for path in sorted((DATA / 'drone_photos').glob('*.JPG'))]
    heights = [pose.relative_altitude_m for pose in poses]
    adjusted = adjust(poses, heights, lambda pose: cv2.imread(str(pose.path), 0))
    assert adjusted.turned == ('DJI_0024.JPG', 'DJI_0025.JPG', 'DJI_0026.JPG')
    assert adjusted.apart_before_m > 20
    assert adjusted.apart_after_m < 0.5


@pytest.mark.parametrize(
    ('ground', 'told', 'height_m'),
    [
        (Ground(map_z_m=5.0), {}, 25.0),
        (Ground(altitude_m=95.0), {}, 35.0),
        (Ground(height_m=12.0), {'relative_altitude_m': None}, 12.0),
        (Ground(map_z_m=5.0), {'relative_altitude_m': None}, 'above the take-off point'),
        (Ground(altitude_m=95.0), {'altitude_m': None}, 'does not hold its altitude'),
    ],
)
def test_the_height_over_the_roofs_is_what_the_operator_and_the_photo_say(ground, told, height_m):
    pose = replace(CarpetFlight._pose('a.jpg', np.zeros(3), np.diag([1.0, -1.0, -1.0])), **told)
    track = PhotoTrack({7: pose}, ground)
    if isinstance(height_m, str):
        with pytest.raises(GeoError, match=height_m):
            track.at(7, size_wh=SIZE)
    else:
        assert track.at(7, size_wh=SIZE).height_m == height_m


def test_a_frame_without_a_pose_says_why():
    track = PhotoTrack({}, Ground(map_z_m=0.0), {3: 'a.jpg has no GPS position.'})
    with pytest.raises(GeoError, match='has no GPS position'):
        track.at(3, size_wh=SIZE)
    with pytest.raises(GeoError, match='not one of the photos'):
        track.at(4, size_wh=SIZE)
