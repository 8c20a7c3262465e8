# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames of a ground whose colour tells where it is, laid into one image."""

from __future__ import annotations

import numpy as np
import pytest

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.ground_mosaic import GroundMosaic
from roof_detector.findings.stored_frames import (
    GroundedFrame,
    StoredFrame,
    grounded,
    plane_of_frames,
)
from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.ground_points import ground_rays
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose

PLANE = LocalTangentPlane(47.0, 8.0, 0.0)
SIZE_WH = (320, 240)


def colours(points_en):
    """Return the ground's colours (n, 3): blue and green grow to the east and to the north."""
    east, north = points_en.T
    return np.column_stack([100 + 4 * east, 100 + 4 * north, np.full(len(east), 50.0)])


def look(name, place, *, height_m=12.0, yaw_deg=90.0, tilt_deg=0.0, dull=0.0):
    """Return a frame and its image, of a camera at `place`."""
    pose = CameraPose.looking_down(
        [*place, height_m], yaw_deg=yaw_deg, pitch_deg=tilt_deg, roll_deg=0
    )
    lens = Lens(size_wh=SIZE_WH, matrix=np.array([[256.0, 0, 159.5], [0, 256, 119.5], [0, 0, 1]]))
    fix = CameraFix(
        stamp_ns=0,
        latitude_deg=47.0,
        longitude_deg=8.0,
        altitude_m=0.0,
        height_m=height_m,
        rotation=pose.rotation,
        lens=lens,
        position_covariance=np.eye(3),
        attitude_covariance=np.eye(3) * 1e-6,
    )

    def ground(pixels):
        rays = ground_rays(fix, pixels - 0.5)
        return np.array(place) + height_m * rays[:, :2] / -rays[:, 2:]

    from roof_detector.findings.ground_view import border_pixels

    columns, rows = np.meshgrid(np.arange(SIZE_WH[0]) + 0.5, np.arange(SIZE_WH[1]) + 0.5)
    every = ground(np.column_stack([columns.ravel(), rows.ravel()]))
    values = colours(every) - dull
    image = values.reshape(SIZE_WH[1], SIZE_WH[0], 3).round().clip(0, 255).astype(np.uint8)
    frame = StoredFrame(
        flight='f', source='f', topic='', index=len(name), name=name, stamp_ns=0, size_wh=SIZE_WH
    )
    return GroundedFrame(frame, ground(border_pixels(SIZE_WH))), image


def mosaic_of(looks, **options):
    mosaic = GroundMosaic([frame for frame, _ in looks], PLANE, **options)
    for frame, image in looks:
        mosaic.add(frame, image)
    return mosaic.result()


def expected(ground):
    """Return which pixels show anything, their colours, and those of the ground there."""
    rows, columns = np.nonzero(ground.image_bgra[..., 3])
    west, north = ground.west_north_en
    step = ground.metres_per_pixel
    places = np.column_stack([west + (columns + 0.5) * step, north - (rows + 0.5) * step])
    return ground.image_bgra[rows, columns, :3].astype(float), colours(places)


def test_frames_without_a_place_make_no_mosaic():
    frame = look('a', (0, 0))[0].frame
    assert plane_of_frames([frame]) is None
    assert grounded([frame], PLANE) == []
    with pytest.raises(FindingsError, match='No frame has a place'):
        GroundMosaic([], PLANE)


@pytest.mark.parametrize('yaw_deg', [0, 37, 90, 200])
@pytest.mark.parametrize('tilt_deg', [0, 20], ids=['nadir', 'oblique'])
def test_every_pixel_shows_its_place_whatever_the_camera_is_turned(yaw_deg, tilt_deg):
    looks = [
        look('a', (0, 0), yaw_deg=yaw_deg, tilt_deg=tilt_deg),
        look('bb', (6, 3), yaw_deg=yaw_deg, tilt_deg=tilt_deg),
    ]
    shown, true = expected(mosaic_of(looks))
    assert len(shown) > 60_000
    # Half a pixel is 0.1 of a colour's step here; the brightness of frames is adjusted a little.
    assert np.abs(shown - true).max() < 4
    assert np.abs(shown - true).mean() < 0.8


def test_the_finer_of_two_frames_is_shown():
    coarse, fine = look('a', (0, 0), height_m=24, dull=40), look('bb', (0, 0), height_m=10)
    for order in ([coarse, fine], [fine, coarse]):
        ground = mosaic_of(order)
        column, row = ground.pixel_of(47.0, 8.0)
        sharp = ground.image_bgra[int(row), int(column), 2]
        alone = mosaic_of([order[0]]).image_bgra
        assert alone[alone.shape[0] // 2, alone.shape[1] // 2, 2] in (10, 50)
        # The brightness of the second one is brought to that of the first.
        assert abs(int(sharp) - 50) < 15


def test_what_no_frame_showed_is_blank_and_places_are_found():
    ground = mosaic_of([look('a', (0, 0)), look('bb', (40, 0))])
    column, row = ground.pixel_of(*PLANE.to_geodetic([20.0, 0.0, 0.0])[:2])
    assert ground.image_bgra[int(row), int(column)].tolist() == [0, 0, 0, 0]
    west, south, east, north = ground.bounds_deg
    assert west < 8.0 < east
    assert south < 47.0 < north
    small = ground.reduced(200)
    assert max(small.image_bgra.shape[:2]) == 200
    assert small.bounds_deg == pytest.approx(ground.bounds_deg, abs=2e-6)
    shown, true = expected(small)
    whole = small.image_bgra[small.image_bgra[..., 3] == 255]
    assert len(whole) > 2000
    assert np.median(np.abs(shown - true)) < 1


def test_a_long_flight_stays_within_the_memory():
    looks = [look('x' * k, (2 * k, 0)) for k in range(1, 6)]
    ground = mosaic_of(looks, most_pixels=20_000)
    rows, columns = ground.image_bgra.shape[:2]
    assert rows * columns <= 21_000
    hover, _ = look('a', (0, 0))
    assert len(GroundMosaic([hover] * 500, PLANE).frames) == 1


def test_one_oblique_frame_does_not_blow_the_mosaic_up():
    looks = [look('x' * k, (2 * k, 0)) for k in range(1, 6)]
    far = look('xxxxxxx', (0, 0), tilt_deg=52)
    near = GroundMosaic([frame for frame, _ in looks], PLANE)
    both = GroundMosaic([frame for frame, _ in [*looks, far]], PLANE)
    assert both.metres_per_pixel == near.metres_per_pixel
