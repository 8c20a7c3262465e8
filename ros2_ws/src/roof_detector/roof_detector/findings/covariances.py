# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Many small covariances at once, in closed form: inverses and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_FAR = 1e6


def inverted(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the inverses of symmetric positive definite matrices (..., n, n).

    By Schur complements of blocks of two. LAPACK takes a call for each matrix, and some builds
    wake all threads of the machine for it, which costs more than a whole frame.
    """
    size = matrices.shape[-1]
    if size == 1:
        return np.asarray(1.0 / matrices)
    found = np.empty(matrices.shape)
    if size == 2:
        a, b, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 1]
        determinant = a * d - b * b
        found[..., 0, 0], found[..., 1, 1] = d / determinant, a / determinant
        found[..., 0, 1] = found[..., 1, 0] = -b / determinant
        return found
    block, mixed, rest = matrices[..., :2, :2], matrices[..., :2, 2:], matrices[..., 2:, 2:]
    first = inverted(block)
    gain = first @ mixed
    last = inverted(rest - np.swapaxes(mixed, -1, -2) @ gain)
    corner = gain @ last
    found[..., :2, :2] = first + corner @ np.swapaxes(gain, -1, -2)
    found[..., :2, 2:] = -corner
    found[..., 2:, :2] = -np.swapaxes(corner, -1, -2)
    found[..., 2:, 2:] = last
    return found


def mahalanobis(
    residuals: npt.NDArray[np.float64], covariances: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return squared distances and the logarithm of determinants of (..., 2, 2) in closed form."""
    a, b, d = covariances[..., 0, 0], covariances[..., 0, 1], covariances[..., 1, 1]
    determinant = np.maximum(a * d - b * b, 1e-12)
    x, y = residuals[..., 0], residuals[..., 1]
    distance = (d * x * x - 2 * b * x * y + a * y * y) / determinant
    return np.where(np.isnan(distance), _FAR, distance), np.log(determinant)
