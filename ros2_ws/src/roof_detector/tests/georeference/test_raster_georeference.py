# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Transformer

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.raster_georeference import RasterGeoreference


def place(code, transform, **options):
    return RasterGeoreference(transform, CRS.from_user_input(code).to_wkt(), **options)


def turned(degrees, step_m, corner):
    cosine, sine = np.cos(np.radians(degrees)) * step_m, np.sin(np.radians(degrees)) * step_m
    return (cosine, sine, corner[0], sine, -cosine, corner[1])


@pytest.mark.parametrize(
    ('code', 'transform', 'expected_m'),
    [
        ('EPSG:32636', (0.05, 0, 500_000, 0, -0.05, 38_000), (0.04998, 0.04998)),
        ('EPSG:32636', turned(30, 0.05, (500_000, 38_000)), (0.04998, 0.04998)),
        # At 60 degrees north a metre of web Mercator is half a metre, and a degree too.
        ('EPSG:3857', (0.1, 0, 1e6, 0, -0.1, 8_399_738), (0.0501, 0.0500)),
        ('EPSG:4326', (1e-6, 0, 25, 0, -1e-6, 60), (0.0558, 0.1114)),
        ('EPSG:2263', (1, 0, 980_000, 0, -1, 200_000), (0.3048, 0.3048)),  # in feet
    ],
)
def test_the_ground_resolution_is_that_of_the_ground(code, transform, expected_m):
    assert place(code, transform).metres_per_pixel((100, 100)) == pytest.approx(
        expected_m, rel=2e-3
    )


def test_pixels_count_from_the_corner_and_longitude_comes_first():
    raster = place('EPSG:32636', turned(30, 0.05, (454_000, 38_000)))
    pixels = np.array([(0, 0), (10, 0), (0, 10)])
    x, y = raster.in_crs(pixels).T
    assert (x[0], y[0]) == (454_000, 38_000)
    assert np.hypot(np.diff(x[[0, 1]]), np.diff(y[[0, 1]])) == pytest.approx(0.5)
    expected = Transformer.from_crs('EPSG:32636', 'EPSG:4326', always_xy=True).transform(x, y)
    assert np.allclose(raster.on_wgs84(pixels), np.transpose(expected), atol=1e-10)
    assert raster.crs_name == 'EPSG:32636'


def test_longitudes_past_180_degrees_are_those_of_everybody_else():
    raster = place('EPSG:4326', (0.001, 0, 359.9, 0, -0.001, 10))
    assert raster.on_wgs84([(0, 0), (200, 0)])[:, 0] == pytest.approx([-0.1, 0.1])


def test_a_place_is_read_back_as_it_was_written():
    raster = place('EPSG:32636', turned(30, 0.05, (454_000, 38_000)), error_m=0.25)
    assert RasterGeoreference.read(raster.to_text()) == raster
    with pytest.raises(GeoError, match='damaged'):
        RasterGeoreference.read('{"transform": [1]}')


def test_a_transform_that_maps_no_area_is_refused():
    with pytest.raises(GeoError, match='maps no area'):
        place('EPSG:32636', (0.05, 0.05, 0, 0.05, 0.05, 0))


def test_a_crs_of_no_place_on_earth_is_refused_in_a_sentence():
    raster = RasterGeoreference((1, 0, 0, 0, -1, 0), 'LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(GeoError, match='CRS of the raster'):
        raster.metres_per_pixel((5, 5))
