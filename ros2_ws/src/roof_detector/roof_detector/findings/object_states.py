# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kalman filters of the positions of many objects on and above the plane of the roofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.findings.covariances import inverted

if TYPE_CHECKING:
    import numpy.typing as npt

_FIRST_CAPACITY = 64
_FIELDS: dict[str, tuple[tuple[int, ...], type]] = {
    'mean': ((3,), np.float64),
    'covariance': ((3, 3), np.float64),
    'box_en': ((4,), np.float64),
    'log_size': ((), np.float64),
    'is_whole': ((), np.bool_),
    'class_id': ((), np.int32),
    'last_ns': ((), np.int64),
    'sightings': ((), np.int64),
    'alive': ((), np.bool_),
}


class ObjectStates:
    """East, north and height over the plane of each object (n, 3), with covariances (n, 3, 3).

    A sighting measures where the ray meets the plane: p = (e, n) + slope * height. So several
    views of one object give its height, and its place without parallax. `box_en` (n, 4) is its
    extent, low and high corner; `log_size` (n,) the logarithm of its mean side, of a whole
    sighting where `is_whole`. Rows stay where they are; `alive` tells which are in use.
    """

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    box_en: npt.NDArray[np.float64]
    log_size: npt.NDArray[np.float64]
    is_whole: npt.NDArray[np.bool_]
    class_id: npt.NDArray[np.int32]
    last_ns: npt.NDArray[np.int64]
    sightings: npt.NDArray[np.int64]
    alive: npt.NDArray[np.bool_]

    def __init__(self) -> None:
        self.count = 0
        for name, (shape, kind) in _FIELDS.items():
            setattr(self, name, np.zeros((_FIRST_CAPACITY, *shape), kind))

    def add(
        self,
        position_en: npt.NDArray[np.float64],
        slope: npt.NDArray[np.float64],
        covariance: npt.NDArray[np.float64],
        *,
        height_sigma_m: float,
        row: int | None = None,
    ) -> int:
        """Begin an object at the plane, of unknown height over it; return its row.

        `row` is one that is not alive any more, whose place it takes.
        """
        if row is None:
            row = self.count
            self._reserve(row + 1)
            self.count += 1
        for name in ('log_size', 'is_whole', 'last_ns', 'sightings'):
            getattr(self, name)[row] = 0
        self.alive[row] = True
        self.restart(row, position_en, slope, covariance, height_sigma_m=height_sigma_m)
        return row

    def restart(
        self,
        row: int,
        position_en: npt.NDArray[np.float64],
        slope: npt.NDArray[np.float64],
        covariance: npt.NDArray[np.float64],
        *,
        height_sigma_m: float,
    ) -> None:
        """Forget where an object was, and begin again with one sighting."""
        variance = height_sigma_m**2
        self.mean[row] = (*position_en, 0.0)
        full = np.zeros((3, 3))
        full[:2, :2] = covariance + variance * np.outer(slope, slope)
        full[:2, 2] = full[2, :2] = -variance * slope
        full[2, 2] = variance
        self.covariance[row] = full

    def predicted(
        self, rows: npt.NDArray[np.intp], slopes: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return where rays (n, 2) would see objects (m,): (n, m, 2) and its covariance."""
        mean, covariance = self.mean[rows], self.covariance[rows]
        places = mean[None, :, :2] + slopes[:, None] * mean[None, :, 2:]
        mixed = slopes[:, None, :, None] * covariance[None, :, None, :2, 2]
        spread = (
            covariance[None, :, :2, :2]
            + mixed
            + np.swapaxes(mixed, -1, -2)
            + (slopes[:, :, None] * slopes[:, None, :])[:, None]
            * covariance[None, :, 2, 2, None, None]
        )
        return places, spread

    def correct(
        self,
        rows: npt.NDArray[np.intp],
        positions_en: npt.NDArray[np.float64],
        slopes: npt.NDArray[np.float64],
        noise: npt.NDArray[np.float64],
    ) -> None:
        """Correct objects (m,) by their sightings: positions, slopes (m, 2), noise (m, 2, 2)."""
        measured = np.zeros((len(rows), 2, 3))
        measured[:, (0, 1), (0, 1)] = 1.0
        measured[:, :, 2] = slopes
        mean, covariance = self.mean[rows], self.covariance[rows]
        crossed = covariance @ np.swapaxes(measured, 1, 2)
        total = measured @ crossed + noise
        gain = crossed @ inverted(total)
        error = positions_en - np.einsum('mij,mj->mi', measured, mean)
        self.mean[rows] = mean + np.einsum('mij,mj->mi', gain, error)
        updated = covariance - gain @ measured @ covariance
        self.covariance[rows] = (updated + np.swapaxes(updated, 1, 2)) / 2

    def fuse(self, row: int, other: int) -> None:
        """Combine two estimates of one object into the first, and end the other."""
        weights = [inverted(self.covariance[k] + 1e-9 * np.eye(3)) for k in (row, other)]
        covariance = inverted(weights[0] + weights[1])
        self.mean[row] = covariance @ (weights[0] @ self.mean[row] + weights[1] @ self.mean[other])
        self.covariance[row] = covariance
        if self.is_whole[other] and not self.is_whole[row]:
            self.box_en[row], self.log_size[row] = self.box_en[other], self.log_size[other]
            self.is_whole[row] = True
        elif self.is_whole[other] == self.is_whole[row] and not self.is_whole[row]:
            self.box_en[row] = union(self.box_en[row], self.box_en[other])
        self.last_ns[row] = max(self.last_ns[row], self.last_ns[other])
        self.sightings[row] += self.sightings[other]
        self.alive[other] = False

    def _reserve(self, count: int) -> None:
        capacity = len(self.alive)
        if count <= capacity:
            return
        for name, (shape, kind) in _FIELDS.items():
            grown: npt.NDArray[Any] = np.zeros((2 * capacity, *shape), kind)
            grown[:capacity] = getattr(self, name)
            setattr(self, name, grown)


def union(box: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the box (4,) around two, given by their low and high corners."""
    return np.concatenate([np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])])


def inside_shares(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return which share of each box (n, 4) lies within each other box (m, 4), as (n, m)."""
    return share_inside(boxes[:, None], others[None])


def share_inside(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return which share of each box (..., 4) lies within its other box (..., 4), as (...)."""
    left, low, right, high = np.moveaxis(boxes, -1, 0)
    wide = np.minimum(right, others[..., 2]) - np.maximum(left, others[..., 0])
    deep = np.minimum(high, others[..., 3]) - np.maximum(low, others[..., 1])
    own = np.maximum(right - left, 1e-6) * np.maximum(high - low, 1e-6)
    return np.asarray(np.maximum(wide, 0.0) * np.maximum(deep, 0.0) / own)
