# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rotations equal SciPy's, which is not installed on a drone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation as Reference

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.rotation import Rotation


@pytest.fixture(scope='module')
def quaternions():
    """Return a thousand rotations, with the exact half turns at which formulas divide by zero."""
    found = np.random.default_rng(3).normal(size=(1000, 4))
    found[:8] = np.vstack([np.eye(4), -np.eye(4)])
    found[8:12] = np.eye(4)[:, [1, 2, 3, 0]] + np.eye(4)
    return found


def test_quaternions_become_the_same_matrices_and_come_back(quaternions):
    expected = Reference.from_quat(quaternions)
    matrices = Rotation.from_quat(quaternions).as_matrix()
    np.testing.assert_allclose(matrices, expected.as_matrix(), atol=1e-14)
    back = Rotation.from_matrix(matrices).as_quat()
    np.testing.assert_allclose(
        back, Reference.from_matrix(expected.as_matrix()).as_quat(), atol=1e-12
    )


def test_one_is_computed_like_many(quaternions):
    many = Rotation.from_quat(quaternions)
    matrices, vectors = many.as_matrix(), many.as_rotvec()
    turned = Rotation.from_rotvec(vectors).as_quat()
    for number, quaternion in enumerate(quaternions[:300]):
        one = Rotation.from_quat(quaternion)
        np.testing.assert_allclose(one.as_matrix(), matrices[number], atol=1e-15)
        np.testing.assert_allclose(one.as_rotvec(), vectors[number], atol=1e-14)
        back = Rotation.from_matrix(matrices[number]).as_quat()
        np.testing.assert_allclose(
            back, Rotation.from_matrix(matrices[number : number + 1]).as_quat()[0], atol=1e-14
        )
        again = Rotation.from_rotvec(vectors[number]).as_quat()
        np.testing.assert_allclose(again, turned[number], atol=1e-14)
    nothing = Rotation.from_rotvec([0.0, 0.0, 0.0]).as_quat()
    np.testing.assert_array_equal(nothing, [0.0, 0.0, 0.0, 1.0])


def test_rotation_vectors_are_the_same_both_ways(quaternions):
    expected = Reference.from_quat(quaternions).as_rotvec()
    found = Rotation.from_quat(quaternions).as_rotvec()
    # A half turn about an axis is one about its opposite.
    gaps = np.minimum(np.abs(found - expected).max(1), np.abs(found + expected).max(1))
    is_half = np.isclose(np.linalg.norm(expected, axis=1), np.pi)
    assert np.where(is_half, gaps, np.abs(found - expected).max(1)).max() < 1e-12
    for vectors in (expected, expected * 1e-12, np.zeros(3)):
        np.testing.assert_allclose(
            Rotation.from_rotvec(vectors).as_matrix(),
            Reference.from_rotvec(vectors).as_matrix(),
            atol=1e-14,
        )


@pytest.mark.parametrize('axes', ['ZYX', 'XY', 'Z', 'YXZ'])
def test_angles_become_the_same_rotation(axes):
    angles = np.random.default_rng(4).uniform(-180, 180, (200, len(axes)))
    angles[0] = [90.0] * len(axes)
    for given in (angles, angles[0]):
        np.testing.assert_allclose(
            Rotation.from_euler(axes, given, degrees=True).as_matrix(),
            Reference.from_euler(axes, given, degrees=True).as_matrix(),
            atol=1e-14,
        )
    one = Rotation.from_euler('Z', 0.3).as_matrix()
    np.testing.assert_allclose(one, Reference.from_euler('Z', 0.3).as_matrix(), atol=1e-15)


def test_vectors_are_turned_alike(quaternions):
    np.testing.assert_allclose(
        Rotation.from_quat(quaternions).apply([1.0, 2.0, 3.0]),
        Reference.from_quat(quaternions).apply([1.0, 2.0, 3.0]),
        atol=1e-14,
    )


def test_nothing_becomes_nothing_and_zero_is_refused():
    assert Rotation.from_quat(np.empty((0, 4))).as_matrix().shape == (0, 3, 3)
    assert Rotation.from_matrix(np.empty((0, 3, 3))).as_quat().shape == (0, 4)
    with pytest.raises(GeoError, match='length zero'):
        Rotation.from_quat([0.0, 0.0, 0.0, 0.0])
