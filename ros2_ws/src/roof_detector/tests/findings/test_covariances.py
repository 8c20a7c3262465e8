# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.findings.covariances import inverted, mahalanobis


@pytest.mark.parametrize('size', [1, 2, 3, 4])
def test_inverses_are_those_of_lapack(size):
    random = np.random.default_rng(size)
    factors = random.normal(size=(5, 3, size, size)) * np.array([1e-3, 1.0, 30.0, 0.1])[:size]
    matrices = factors.swapaxes(-1, -2) @ factors + 1e-8 * np.eye(size)
    unity = matrices @ inverted(matrices)
    assert np.allclose(unity, np.eye(size), atol=1e-5)
    assert np.allclose(inverted(matrices), np.linalg.inv(matrices), rtol=1e-3)


def test_distances_are_in_standard_deviations_and_far_where_nothing_is_known():
    covariance = np.diag([4.0, 9.0])
    residuals = np.array([[2.0, 0.0], [0.0, 6.0], [np.nan, 0.0]])
    distance, log_det = mahalanobis(residuals, np.tile(covariance, (3, 1, 1)))
    assert distance[:2] == pytest.approx([1.0, 4.0])
    assert distance[2] > 1e5
    assert log_det == pytest.approx(np.log(36.0))
