# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from roof_detector.georeference.geoid import (
    GEOID_SIGMA_M,
    geoid_height_m,
    with_level_of_camera,
)
from roof_detector.georeference.ground import Ground

rasterio = pytest.importorskip('rasterio')
PLACE = (47.0, 8.0)
# A grid of PROJ (GTG): the geoid 48.5 m above the ellipsoid around the place.
WITH_GRID = """
import sys, numpy, rasterio, pyproj
profile = dict(driver='GTiff', width=9, height=9, count=1, dtype='float32', crs='EPSG:4326')
transform = rasterio.transform.from_origin(6, 49, 0.5, 0.5)
name = sys.argv[1] + '/us_nga_egm08_25.tif'
with rasterio.open(name, 'w', transform=transform, **profile) as grid:
    grid.write(numpy.full((1, 9, 9), 48.5, 'float32'))
    grid.update_tags(TYPE='VERTICAL_OFFSET_GEOGRAPHIC_TO_VERTICAL', AREA_OR_POINT='Point')
pyproj.datadir.append_data_dir(sys.argv[1])
from roof_detector.georeference.geoid import geoid_height_m
print(geoid_height_m(47.0, 8.0), geoid_height_m(-20.0, 100.0))
"""


@pytest.fixture
def ground_of(tmp_path):
    def write(crs):
        path = tmp_path / f'{str(crs).replace(":", "_")}.tif'
        transform = rasterio.transform.from_origin(7.99, 47.01, 0.001, 0.001)
        with rasterio.open(
            path, 'w', driver='GTiff', width=20, height=20, count=1, dtype='float32', crs=crs,
            transform=transform,
        ) as raster:  # fmt: skip
            raster.write(np.full((1, 20, 20), 400.0, np.float32))
        return Ground(surface=str(path))

    return write


def levelled(ground, *, is_ellipsoidal):
    notes = []
    found = with_level_of_camera(ground, is_ellipsoidal=is_ellipsoidal, place=PLACE, notes=notes)
    return found, notes


def test_a_grid_that_is_installed_tells_the_height_of_the_sea(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', WITH_GRID, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert done.stdout.split() == ['48.5', 'None']


def test_without_a_grid_it_goes_into_the_error_and_is_said(ground_of):
    if geoid_height_m(*PLACE) is not None:
        pytest.skip('PROJ has the grid of EGM2008 here')
    found, notes = levelled(ground_of('EPSG:9518'), is_ellipsoidal=True)
    assert found.geoid_height_m == 0
    assert found.sigma_m == pytest.approx(np.hypot(1.0, GEOID_SIGMA_M))
    assert 'counts from the ellipsoid and the heights of' in notes[0]
    assert 'Give --geoid-height' in notes[0]


def test_heights_of_one_level_or_an_unknown_one_stay_as_they_are(ground_of):
    for crs, is_ellipsoidal in (
        ('EPSG:9518', False),
        ('EPSG:4979', True),
        ('EPSG:4326', True),
        ('EPSG:4326', False),
    ):
        ground = ground_of(crs)
        assert levelled(ground, is_ellipsoidal=is_ellipsoidal) == (ground, [])
    given = Ground(surface=ground_of('EPSG:9518').surface, geoid_height_m=48.0)
    assert levelled(given, is_ellipsoidal=True) == (given, [])
    assert levelled(Ground(altitude_m=400.0), is_ellipsoidal=True)[1] == []
