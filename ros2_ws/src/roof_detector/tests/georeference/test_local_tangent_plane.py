# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

A, F = 6_378_137.0, 1 / 298.257223563


def ecef(geodetic: np.ndarray) -> np.ndarray:
    """The exact conversion, written out independently as an oracle."""
    latitude, longitude = np.radians(geodetic[:2])
    e2 = F * (2 - F)
    n = A / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    flat = (n + geodetic[2]) * np.cos(latitude)
    return np.array(
        [
            flat * np.cos(longitude),
            flat * np.sin(longitude),
            (n * (1 - e2) + geodetic[2]) * np.sin(latitude),
        ]
    )


def test_no_points_convert_to_no_points() -> None:
    assert LocalTangentPlane(47.0, 8.0, 400.0).to_geodetic(np.zeros((0, 3))).shape == (0, 3)


def test_the_origin_is_its_own_place() -> None:
    plane = LocalTangentPlane(0.35, 32.59, 1150.0)
    np.testing.assert_allclose(plane.to_geodetic([0.0, 0.0, 0.0]), [0.35, 32.59, 1150.0])


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-70, 70),
    st.floats(-179, 179),
    st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000), st.floats(-100, 100)),
)
def test_distances_agree_with_exact_coordinates_exactly(
    latitude: float, longitude: float, enu: tuple[float, float, float]
) -> None:
    plane = LocalTangentPlane(latitude, longitude, 500.0)
    place = plane.to_geodetic(enu)
    chord = np.linalg.norm(ecef(place) - ecef(np.array([latitude, longitude, 500.0])))
    assert chord == pytest.approx(np.linalg.norm(enu), abs=1e-5)
    np.testing.assert_allclose(plane.to_enu(place), enu, atol=1e-5)


def test_north_is_up_in_latitude_and_east_in_longitude() -> None:
    plane = LocalTangentPlane(47.0, 8.0, 400.0)
    assert plane.to_geodetic([0.0, 100.0, 0.0])[0] > 47.0
    assert plane.to_geodetic([100.0, 0.0, 0.0])[1] > 8.0


def test_a_pole_is_refused_as_origin() -> None:
    with pytest.raises(GeoError, match='latitude within 89'):
        LocalTangentPlane(90.0, 0.0, 0.0)
