# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kalman filters of many boxes at once, each with constant velocity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# Standard deviations as shares of the box's sides, as in DeepSORT (Wojke, Bewley and Paulus 2017).
_POSITION_SHARE = 1 / 20
_VELOCITY_SHARE = 1 / 160
_FIRST_VELOCITY_SHARE = 1 / 16


@dataclass(kw_only=True)
class BoxFilter:
    """Filters of n boxes: centre x and y, width, height (n, 4) in pixels, and their velocities.

    The four numbers of a box are filtered one by one, with a covariance (2, 2) of value and
    velocity each: `variance`, `coupling` and `speed_variance` (n, 4).
    """

    value: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    speed: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    variance: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    coupling: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    speed_variance: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def boxes_xyxy(self) -> npt.NDArray[np.float64]:
        """Return the boxes (n, 4) as corners."""
        half = self.value[:, 2:] / 2
        return np.hstack([self.value[:, :2] - half, self.value[:, :2] + half])

    def add(self, boxes_xyxy: npt.NDArray[np.floating[Any]]) -> None:
        """Begin a filter for each box."""
        value = _centred(boxes_xyxy)
        sides = np.repeat(_sides(value), 4, axis=1)
        self.value = np.vstack([self.value, value])
        self.speed = np.vstack([self.speed, np.zeros_like(value)])
        self.variance = np.vstack([self.variance, (2 * _POSITION_SHARE * sides) ** 2])
        self.coupling = np.vstack([self.coupling, np.zeros_like(value)])
        first_speed = (_FIRST_VELOCITY_SHARE * sides) ** 2
        self.speed_variance = np.vstack([self.speed_variance, first_speed])

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Drop the filters that are not kept (n,)."""
        for name in ('value', 'speed', 'variance', 'coupling', 'speed_variance'):
            setattr(self, name, getattr(self, name)[kept])

    def predict(self, motion: npt.NDArray[np.float64] | None = None) -> None:
        """Move all boxes by one frame, and by the camera's motion (3, 3) in pixels."""
        sides = _sides(self.value)
        self.value = self.value + self.speed
        self.variance = (
            self.variance
            + 2 * self.coupling
            + self.speed_variance
            + (_POSITION_SHARE * sides) ** 2
        )
        self.coupling = self.coupling + self.speed_variance
        self.speed_variance = self.speed_variance + (_VELOCITY_SHARE * sides) ** 2
        if motion is not None and len(self):
            self.value = _moved(self.value, motion)

    def correct(
        self, positions: npt.NDArray[np.intp], boxes_xyxy: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Correct the filters at some positions (m,) by the boxes (m, 4) measured."""
        measured = _centred(boxes_xyxy)
        noise = (_POSITION_SHARE * _sides(measured)) ** 2
        variance, coupling = self.variance[positions], self.coupling[positions]
        total = variance + noise
        gain, speed_gain = variance / total, coupling / total
        error = measured - self.value[positions]
        self.value[positions] += gain * error
        self.speed[positions] += speed_gain * error
        self.variance[positions] = (1 - gain) * variance
        self.coupling[positions] = (1 - gain) * coupling
        self.speed_variance[positions] -= speed_gain * coupling


def _centred(boxes_xyxy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, 2:]
    return np.hstack([(low + high) / 2, high - low])


def _sides(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean side of each box (n, 1), a pixel at least."""
    return np.maximum((value[:, 2:3] + value[:, 3:4]) / 2, 1.0)


def _moved(
    value: npt.NDArray[np.float64], motion: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Map the centres by a homography and scale the sides by its size at each."""
    homogeneous = value[:, :2] @ motion[:, :2].T + motion[:, 2]
    depth = np.where(np.abs(homogeneous[:, 2:]) > 1e-9, homogeneous[:, 2:], 1e-9)
    (a, b), (c, d) = motion[:2, :2].tolist()
    zoom = math.sqrt(abs(a * d - b * c)) / np.abs(depth)
    return np.hstack([homogeneous[:, :2] / depth, value[:, 2:] * zoom])
