# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of a camera's attitude and height, as it goes on from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.sightings import FrameSightings, GroundView

_LEAST_TURN = 1e-4  # radians and metres: nothing is known better
_DOUBT_NS = 1_000_000_000  # how often it is looked at whether all are one object off
_LEVEL_KEPT = 0.999  # of the error of the height, from frame to frame


@dataclass(frozen=True, eq=False)
class AttitudeError:
    """What all sightings of a frame share, as far as it is known.

    `turn` (4,) are the turn about east, north and up in radians, and the metres by which the
    camera is lower than thought; `covariance` (4, 4).
    """

    turn: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]

    def removed(
        self,
        residuals: npt.NDArray[np.float64],
        own: npt.NDArray[np.float64],
        jacobians: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return residuals (n, m, 2) and covariances (n, m, 2, 2) of positions without the error.

        It moves the sightings by `jacobians` (n, 2, 4); what is not known of it is added.
        """
        shift = jacobians @ self.turn
        left = jacobians @ self.covariance @ np.swapaxes(jacobians, 1, 2)
        return residuals - shift[:, None], own + left[:, None]


class AttitudeErrors:
    """The errors of the cameras of a flight, each by its topic."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._last: dict[str, tuple[int, AttitudeError]] = {}
        self._doubted_ns: dict[str, int] = {}

    def keep(self, sightings: FrameSightings, attitude: AttitudeError) -> None:
        """Keep what a frame told."""
        self._last[sightings.frame.topic] = sightings.frame.stamp_ns, attitude

    def before(
        self, sightings: FrameSightings, ground: GroundView
    ) -> tuple[AttitudeError, AttitudeError | None]:
        """Return the error of a frame's attitude before its sightings are looked at.

        It goes on from the camera's last frame, of which a part lasts and the rest fades. The
        second value is that without the frames before, once a second.
        """
        whole = np.zeros((4, 4))
        whole[:3, :3] = ground.turn_covariance + _LEAST_TURN**2 * np.eye(3)
        whole[3, 3] = ground.level_sigma_m**2 + _LEAST_TURN**2
        stamp_ns, before = self._last.get(sightings.frame.topic, (0, None))
        if before is None:
            return AttitudeError(np.zeros(4), whole), None
        age_s = abs(sightings.frame.stamp_ns - stamp_ns) / 1e9
        kept = np.full(4, 0.5 + 0.5 * np.exp(-age_s / self._period_s))
        kept[3] = _LEVEL_KEPT
        faded = np.outer(kept, kept)
        known = AttitudeError(kept * before.turn, faded * before.covariance + (1 - faded) * whole)
        doubted_ns = self._doubted_ns.get(sightings.frame.topic, 0)
        if abs(sightings.frame.stamp_ns - doubted_ns) < _DOUBT_NS:
            return known, None
        self._doubted_ns[sightings.frame.topic] = sightings.frame.stamp_ns
        return known, AttitudeError(np.zeros(4), whole)
