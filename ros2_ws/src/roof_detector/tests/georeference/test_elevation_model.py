# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rays on rasters of heights: GeoTIFFs as GDAL writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyproj import Transformer

from roof_detector.georeference.camera_fix import CameraFix, CameraMotionRate
from roof_detector.georeference.elevation_model import ElevationModel
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.ground_points import ground_points
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose

rasterio = pytest.importorskip('rasterio')
LATITUDE, LONGITUDE = 47.3769, 8.5417
EAST, NORTH = Transformer.from_crs(4326, 32632, always_xy=True).transform(LONGITUDE, LATITUDE)
LENS = Lens(size_wh=(1001, 801), matrix=np.array([[1000.0, 0, 500], [0, 1000, 400], [0, 0, 1]]))
CENTRE = [[500, 400]]


def write(path, heights, *, cell_m=1.0, crs='EPSG:32632', **options):
    """Write a raster whose middle is below the camera; its rows run from north to south."""
    rows, columns = heights.shape
    transform = rasterio.transform.from_origin(
        EAST - columns * cell_m / 2, NORTH + rows * cell_m / 2, cell_m, cell_m
    )
    with rasterio.open(
        path, 'w', driver='GTiff', width=columns, height=rows, count=1, dtype='float32',
        crs=crs, transform=transform, **options,
    ) as file:  # fmt: skip
        file.write(heights.astype(np.float32), 1)
    return str(path)


def fix(ground, *, altitude_m=450.0, pitch_deg=0.0, yaw_deg=90.0, **more):
    pose = CameraPose.looking_down([0, 0, 0], yaw_deg=yaw_deg, pitch_deg=pitch_deg, roll_deg=0)
    height = ground.height_of(
        altitude_m=altitude_m, map_z_m=0.0, latitude_deg=LATITUDE, longitude_deg=LONGITUDE
    )
    none = np.zeros((3, 3))
    return CameraFix(
        stamp_ns=0,
        latitude_deg=LATITUDE,
        longitude_deg=LONGITUDE,
        altitude_m=altitude_m,
        height_m=height,
        rotation=pose.rotation,
        lens=LENS,
        position_covariance=more.pop('position_covariance', none),
        attitude_covariance=none,
        ground=ground,
        **more,
    )


def east_north(points, number=0):
    plane = LocalTangentPlane(LATITUDE, LONGITUDE, 0.0)
    place = [points.latitude_deg[number], points.longitude_deg[number], 0.0]
    return plane.to_enu(place)[:2]


def test_level_heights_are_the_same_as_a_level_plane(tmp_path):
    surface = Ground(surface=write(tmp_path / 'flat.tif', np.full((400, 400), 400.0)), sigma_m=0.0)
    level = Ground(altitude_m=400.0, sigma_m=0.0)
    pixels = [[500, 400], [700, 100], [0, 800]]
    found = [
        ground_points(fix(one, pitch_deg=20), pixels, pixel_px=2.0) for one in (surface, level)
    ]
    for number in range(3):
        difference = east_north(found[0], number) - east_north(found[1], number)
        np.testing.assert_allclose(difference, 0, atol=2e-3)
    np.testing.assert_allclose(found[0].error_m, found[1].error_m, rtol=1e-3)


def test_an_oblique_ray_meets_the_first_building(tmp_path):
    heights = np.full((400, 400), 400.0)
    heights[160:170, :] = 420.0  # a wall, 30 to 40 m north of the camera
    ground = Ground(surface=write(tmp_path / 'wall.tif', heights), sigma_m=0.0)
    points = ground_points(fix(ground, pitch_deg=45.0), CENTRE, pixel_px=0.0)
    # At 45 degrees it would be 50 m north on the ground, and is on the roof before.
    assert 29 < east_north(points)[1] < 31


def test_a_slope_moves_the_point_and_its_error(tmp_path):
    north = np.arange(200.0, -200.0, -1.0)[:, None] - 0.5
    heights = np.repeat(400.0 + 0.5 * north, 400, axis=1)
    ground = Ground(surface=write(tmp_path / 'slope.tif', heights), sigma_m=1.0)
    camera = fix(ground, pitch_deg=45.0, position_covariance=np.diag([0.0, 0.0, 1.0]))
    points = ground_points(camera, CENTRE, pixel_px=0.0)
    # 450 - d = 400 + d / 2
    assert east_north(points)[1] == pytest.approx(50 / 1.5, abs=0.1)
    # A metre of ground moves it by 1 / (1 + 0.5); level ground would move it by a metre.
    assert points.errors_m['ground'][0] == pytest.approx(2 / 1.5, rel=0.02)
    assert points.errors_m['height'][0] == 0.0


def test_a_roof_height_raises_the_ground(tmp_path):
    path = write(tmp_path / 'flat.tif', np.full((400, 400), 400.0))
    camera = fix(Ground(surface=path, roof_height_m=10.0), pitch_deg=45.0)
    assert camera.height_m == pytest.approx(40.0)
    north = east_north(ground_points(camera, CENTRE, pixel_px=0.0))[1]
    assert north == pytest.approx(40.0, abs=0.01)
    level = fix(Ground(altitude_m=400.0, roof_height_m=10.0), pitch_deg=45.0)
    assert level.height_m == pytest.approx(40.0)


def test_degrees_and_feet_are_converted(tmp_path):
    path = tmp_path / 'degrees.tif'
    transform = rasterio.transform.from_origin(LONGITUDE - 0.005, LATITUDE + 0.005, 1e-5, 1e-5)
    with rasterio.open(
        path, 'w', driver='GTiff', width=1000, height=1000, count=1, dtype='int16',
        crs='EPSG:4326', transform=transform,
    ) as file:  # fmt: skip
        file.write(np.full((1000, 1000), 1000, np.int16), 1)
        file.units = ('ft',)
    found = ElevationModel(str(path)).heights_m(np.array([LATITUDE]), np.array([LONGITUDE]))
    assert found[0] == pytest.approx(304.8)


def test_outside_and_without_data_are_said(tmp_path):
    heights = np.full((100, 100), 400.0)
    heights[:40] = -9999.0  # north of 10 m
    ground = Ground(surface=write(tmp_path / 'holes.tif', heights, nodata=-9999.0))
    without = ground_points(fix(ground, pitch_deg=40.0), CENTRE, pixel_px=0.0)
    assert np.isnan(without.error_m[0])
    assert 'without data' in without.reasons[0] or 'no height' in without.reasons[0]
    outside = ground_points(fix(ground, pitch_deg=70.0, yaw_deg=-90.0), CENTRE, pixel_px=0.0)
    assert 'holes.tif' in outside.reasons[0]


def test_a_camera_below_the_surface_says_that_levels_differ(tmp_path):
    ground = Ground(surface=write(tmp_path / 'flat.tif', np.full((50, 50), 460.0)))
    with pytest.raises(GeoError, match='do not count from the same level'):
        fix(ground)
    raised = replace(ground, geoid_height_m=-48.0)
    assert fix(raised).height_m == pytest.approx(38.0)


def test_a_raster_that_lies_nowhere_is_refused(tmp_path):
    path = write(tmp_path / 'nowhere.tif', np.zeros((10, 10)), crs=None)
    with pytest.raises(GeoError, match='no coordinate reference system'):
        ElevationModel(path)


def test_a_file_that_is_no_raster_is_refused(tmp_path):
    path = tmp_path / 'text.tif'
    path.write_text('no raster')
    with pytest.raises(GeoError, match='cannot be read as a raster of heights'):
        ElevationModel(str(path))


def test_the_errors_of_all_causes_add_up_and_motion_is_one_of_them():
    camera = fix(
        Ground(altitude_m=400.0, sigma_m=0.5),
        pitch_deg=30.0,
        position_covariance=np.diag([1.0, 4.0, 2.0 + 0.25]),
        motion=CameraMotionRate(np.array([10.0, 0, 0]), np.zeros(3), 0.05),
    )
    points = ground_points(camera, CENTRE, pixel_px=2.0)
    budget = {cause: float(radius[0]) for cause, radius in points.errors_m.items()}
    assert budget['position'] == pytest.approx(2 * np.sqrt(5.0))
    assert budget['time'] == pytest.approx(2 * 10 * 0.05)
    slope = np.tan(np.radians(30))
    assert budget['height'] == pytest.approx(2 * slope * np.sqrt(2.0), rel=1e-6)
    assert budget['ground'] == pytest.approx(2 * slope * 0.5, rel=1e-6)
    assert points.error_m[0] == pytest.approx(np.sqrt(sum(one**2 for one in budget.values())))


@pytest.mark.parametrize(
    'text',
    [
        '<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand><SimpleSource>'
        '<SourceFilename>/vsicurl/http://127.0.0.1:9/x.tif</SourceFilename></SimpleSource>'
        '</VRTRasterBand></VRTDataset>',
        '\ufeff\n <GDAL_WMS><Service name="TMS"></Service></GDAL_WMS>',
        '{"type": "FeatureCollection"}',
    ],
    ids=['VRT', 'WMS', 'JSON'],
)
def test_a_description_of_a_raster_elsewhere_is_not_followed(tmp_path, text):
    for name in ('heights.vrt', 'heights.tif'):
        (tmp_path / name).write_text(text)
        with pytest.raises(GeoError, match='is not followed'):
            ElevationModel(str(tmp_path / name))


@pytest.mark.parametrize('path', ['/vsicurl/http://127.0.0.1:9/x.tif', 'http://127.0.0.1:9/x'])
def test_heights_are_read_from_no_network(path):
    with pytest.raises(GeoError, match='No such file'):
        ElevationModel(path)
