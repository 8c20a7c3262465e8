# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rotations as quaternions, matrices, angles and rotation vectors.

The names are those of `scipy.spatial.transform.Rotation`, which the tests compare with. SciPy
would be a fifth of what is installed on a drone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    _Component = float | NDArray[np.float64]
    _Components = Sequence[_Component]

_NO_LENGTH = 'A quaternion of length zero is no rotation, expected x, y, z, w of length 1.'
_AXES = {'X': 0, 'Y': 1, 'Z': 2}


@dataclass(frozen=True, eq=False)
class Rotation:
    """One rotation, or an array of them: unit quaternions x, y, z, w (..., 4).

    One alone is computed with Python's own numbers, ten times as fast as with arrays of one.
    """

    _xyzw: NDArray[np.float64]

    @classmethod
    def from_quat(cls, quaternion_xyzw: ArrayLike) -> Rotation:
        """Take quaternions (..., 4) of any length but zero; raise GeoError for zero."""
        xyzw = np.asarray(quaternion_xyzw, dtype=np.float64)
        if xyzw.ndim == 1:
            return cls._of_one(*xyzw.tolist())
        lengths = np.sqrt(np.einsum('...i,...i->...', xyzw, xyzw))[..., None]
        if not np.all(lengths):
            raise GeoError(_NO_LENGTH)
        return cls(xyzw / lengths)

    @classmethod
    def _of_one(cls, x: float, y: float, z: float, w: float) -> Rotation:
        length = math.sqrt(x * x + y * y + z * z + w * w)
        if not length:
            raise GeoError(_NO_LENGTH)
        return cls(np.array((x / length, y / length, z / length, w / length)))

    @classmethod
    def from_matrix(cls, matrix: ArrayLike) -> Rotation:
        """Take rotation matrices (..., 3, 3).

        The largest of the four components is computed first, from a sum that cannot cancel
        (Shepperd 1978, "Quaternion from rotation matrix").
        """
        given = np.asarray(matrix, dtype=np.float64)
        if given.ndim == 2:
            return cls._of_one_matrix(given.tolist())
        m = given.reshape(-1, 3, 3)
        diagonal = np.einsum('nii->ni', m)
        trace = diagonal.sum(axis=1)
        chosen = np.argmax(np.column_stack([diagonal, trace]), axis=1)
        xyzw = np.empty((len(m), 4))
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            rows = chosen == i
            part = m[rows]
            xyzw[rows, i] = 1 - trace[rows] + 2 * part[:, i, i]
            xyzw[rows, j] = part[:, j, i] + part[:, i, j]
            xyzw[rows, k] = part[:, k, i] + part[:, i, k]
            xyzw[rows, 3] = part[:, k, j] - part[:, j, k]
        rows = chosen == 3
        part = m[rows]
        xyzw[rows, 0] = part[:, 2, 1] - part[:, 1, 2]
        xyzw[rows, 1] = part[:, 0, 2] - part[:, 2, 0]
        xyzw[rows, 2] = part[:, 1, 0] - part[:, 0, 1]
        xyzw[rows, 3] = 1 + trace[rows]
        return cls.from_quat(xyzw.reshape(*given.shape[:-2], 4))

    @classmethod
    def _of_one_matrix(cls, m: Sequence[Sequence[float]]) -> Rotation:
        """Do what `from_matrix` does for many, for one."""
        trace = m[0][0] + m[1][1] + m[2][2]
        largest = max(m[0][0], m[1][1], m[2][2])
        if not largest > trace:
            return cls._of_one(m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1], 1 + trace)
        i = next(one for one in range(3) if m[one][one] == largest)
        j, k = (i + 1) % 3, (i + 2) % 3
        xyz = [0.0, 0.0, 0.0]
        xyz[i] = 1 - trace + 2 * m[i][i]
        xyz[j] = m[j][i] + m[i][j]
        xyz[k] = m[k][i] + m[i][k]
        return cls._of_one(xyz[0], xyz[1], xyz[2], m[k][j] - m[j][k])

    @classmethod
    def from_euler(cls, axes: str, angles: ArrayLike, *, degrees: bool = False) -> Rotation:
        """Turn about the axes of the body one after another, such as ZYX: yaw, pitch, roll.

        `angles` (..., n) in radians, or in degrees, or one number for one axis.
        """
        turns = np.asarray(angles, dtype=np.float64)
        if turns.ndim == 0:
            turns = turns[None]
        half = np.radians(turns) / 2 if degrees else turns / 2
        total: _Components = (0.0, 0.0, 0.0, 1.0)
        for index, axis in enumerate(axes):
            angle = half[..., index]
            turn: list[_Component] = [0.0, 0.0, 0.0, np.cos(angle)]
            turn[_AXES[axis]] = np.sin(angle)
            total = _product(total, turn)
        return cls.from_quat(np.stack(np.broadcast_arrays(*total), axis=-1))

    @classmethod
    def from_rotvec(cls, vector: ArrayLike) -> Rotation:
        """Take rotation vectors (..., 3): the axis, as long as the angle in radians."""
        given = np.asarray(vector, dtype=np.float64)
        if given.ndim == 1:
            x, y, z = given.tolist()
            one = math.sqrt(x * x + y * y + z * z)
            share = math.sin(one / 2) / one if one else 0.5
            return cls._of_one(x * share, y * share, z * share, math.cos(one / 2))
        angle = np.sqrt(np.einsum('...i,...i->...', given, given))[..., None]
        # sinc keeps the quotient of sine and angle exact where the angle is zero.
        imaginary = given * np.sinc(angle / (2 * np.pi)) / 2
        return cls.from_quat(np.concatenate([imaginary, np.cos(angle / 2)], axis=-1))

    def as_quat(self) -> NDArray[np.float64]:
        """Return unit quaternions x, y, z, w (..., 4)."""
        return self._xyzw.copy()

    def as_matrix(self) -> NDArray[np.float64]:
        """Return rotation matrices (..., 3, 3)."""
        is_one = self._xyzw.ndim == 1
        x, y, z, w = self._xyzw.tolist() if is_one else np.moveaxis(self._xyzw, -1, 0)
        values = (
            *(x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)),
            *(2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)),
            *(2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w),
        )
        found = np.array(values) if is_one else np.stack(values, axis=-1)
        return found.reshape(*self._xyzw.shape[:-1], 3, 3)

    def as_rotvec(self) -> NDArray[np.float64]:
        """Return rotation vectors (..., 3) of at most half a turn."""
        xyzw = np.where(self._xyzw[..., 3:] < 0, -self._xyzw, self._xyzw)
        length = np.sqrt(np.einsum('...i,...i->...', xyzw[..., :3], xyzw[..., :3]))[..., None]
        half = np.arctan2(length, xyzw[..., 3:])
        return xyzw[..., :3] * 2 / np.sinc(half / np.pi)

    def apply(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return vectors (..., 3) turned."""
        return np.einsum('...ij,...j->...i', self.as_matrix(), np.asarray(vectors, np.float64))


def _product(first: _Components, second: _Components) -> _Components:
    """Return Hamilton's product of quaternions, each as its x, y, z and w."""
    a, b, c, d = first
    x, y, z, w = second
    return (
        d * x + a * w + b * z - c * y,
        d * y - a * z + b * w + c * x,
        d * z + a * y - b * x + c * w,
        d * w - a * x - b * y - c * z,
    )
