# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.simulation import PinholeCamera, SimulationError

CAMERA = PinholeCamera.centred((640, 480), focal_px=500.0)


def test_no_points_project_to_no_pixels() -> None:
    assert CAMERA.project(np.zeros((0, 3))).shape == (0, 2)


def test_the_optical_axis_meets_the_middle_of_the_image() -> None:
    np.testing.assert_allclose(CAMERA.project([0.0, 0.0, 3.0]), [319.5, 239.5])


@settings(deadline=None, max_examples=40)
@given(st.floats(-50, 690), st.floats(-50, 530), st.floats(0.1, 100))
def test_projecting_a_ray_gives_its_pixel_back(x: float, y: float, depth: float) -> None:
    ray = CAMERA.ray([x, y])
    assert np.linalg.norm(ray) == pytest.approx(1.0)
    np.testing.assert_allclose(CAMERA.project(ray * depth), [x, y], atol=1e-6)


def test_a_point_behind_the_camera_has_no_pixel() -> None:
    assert np.isnan(CAMERA.project([0.0, 0.0, -1.0])).all()


def test_the_matrix_projects_as_the_camera_does() -> None:
    point = np.array([0.3, -0.2, 2.0])
    image = CAMERA.matrix @ point
    np.testing.assert_allclose(image[:2] / image[2], CAMERA.project(point))


def test_a_camera_without_a_focal_length_is_refused() -> None:
    with pytest.raises(SimulationError, match='focal lengths'):
        PinholeCamera(size_wh=(640, 480), fx=0.0, fy=500.0, cx=320.0, cy=240.0)
