# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.lens import Lens

MATRIX = np.array([[800.0, 0, 650], [0, 810, 350], [0, 0, 1]])
GRID = np.stack(np.meshgrid(np.linspace(0, 1279, 9), np.linspace(0, 719, 7)), -1).reshape(-1, 2)


def test_no_pixels_give_no_rays():
    assert Lens(size_wh=(1280, 720), matrix=MATRIX).rays(np.zeros((0, 2))).shape == (0, 3)


def test_the_principal_point_looks_straight_ahead():
    np.testing.assert_allclose(
        Lens(size_wh=(1280, 720), matrix=MATRIX).rays([[650, 350]]), [[0, 0, 1]]
    )


@pytest.mark.parametrize(
    ('model', 'coefficients', 'project'),
    [
        ('plumb_bob', (-0.12, 0.03, 0.001, -0.002, 0.01), cv2.projectPoints),
        ('rational_polynomial', (0.1, 0.02, 0.001, -0.002, 0, 0.05, 0, 0), cv2.projectPoints),
        ('equidistant', (0.02, -0.01, 0.003, -0.001), cv2.fisheye.projectPoints),
    ],
    ids=['plumb_bob', 'rational_polynomial', 'equidistant'],
)
def test_a_ray_comes_back_to_its_pixel_through_the_distorted_lens(model, coefficients, project):
    rays = Lens(size_wh=(1280, 720), matrix=MATRIX, distortion=coefficients, model=model).rays(
        GRID
    )
    assert (
        np.abs(rays[:, :2] - Lens(size_wh=(1280, 720), matrix=MATRIX).rays(GRID)[:, :2]).max()
        > 0.01
    )
    zero = np.zeros(3)
    pixels, _ = project(rays[:, None], zero, zero, MATRIX, np.array(coefficients))
    np.testing.assert_allclose(pixels[:, 0], GRID, atol=0.05)


def test_a_pixel_beyond_the_fold_of_the_distortion_has_no_ray():
    rays = Lens(
        size_wh=(1280, 720), matrix=MATRIX, distortion=(-0.4, 0, 0, 0, 0), model='plumb_bob'
    ).rays([[0, 0], [650, 300]])
    assert np.isnan(rays[0]).all() and np.isfinite(rays[1]).all()


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([1, 2, 4, 5]), st.floats(0, 1279), st.floats(0, 719))
def test_a_smaller_image_shows_the_same_objects_at_the_same_fraction_of_its_width(by, x, y):
    lens = Lens(size_wh=(1280, 720), matrix=MATRIX)
    small = lens.scaled((1280 // by, 720 // by))
    there = (x + 0.5) / by - 0.5, (y + 0.5) / by - 0.5
    np.testing.assert_allclose(small.rays([there]), lens.rays([(x, y)]), atol=1e-9)


def test_a_cropped_image_is_refused():
    with pytest.raises(GeoError, match='it was cropped'):
        Lens(size_wh=(1280, 720), matrix=MATRIX).scaled((720, 720))


def test_an_uncalibrated_camera_is_refused():
    with pytest.raises(GeoError, match='not calibrated'):
        Lens(size_wh=(1280, 720), matrix=np.zeros((3, 3)))


def test_an_unknown_distortion_is_refused():
    with pytest.raises(GeoError, match='expected one of plumb_bob'):
        Lens(size_wh=(1280, 720), matrix=MATRIX, distortion=(0.1,) * 5, model='barrel')
