# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Turns the angles that a gimbal tells into the attitude of its camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.gimbal_checks import constant_yaw, is_zero, turned_by_deg
from roof_detector.telemetry.message_values import FRD_FROM_FLU

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Turns north in east, north, up to the x of a level frame that begins with the heading.
_NORTH_TO_X = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


class GimbalAttitudes:
    """The rows of a gimbal (`RoleReader`) in east, north, up, with the vehicle's heading.

    `frames` is that of tables/topics.yaml. `remarks` are sentences about what was corrected,
    `without_heading` counts the rows that needed an attitude of the vehicle that was not there.
    """

    def __init__(self, name: str, *, frames: str) -> None:
        self.remarks: list[str] = []
        self.without_heading = 0
        self._name = name
        # Turns east, north, up so that x is where a yaw of 0 points.
        self._at_zero = _NORTH_TO_X if frames == 'frd_to_ned' else np.eye(3)

    def oriented(
        self, raw: StampedSeries, body: StampedSeries | None, *, is_stuck: bool
    ) -> StampedSeries:
        """Return rows (4,): quaternion of the camera's axes (forward, left, up) in ENU.

        Yaw that is relative to the vehicle, or stuck, is completed by the attitude of the `body`.
        """
        stamps, rotations, headings = [], [], []
        for stamp_ns, one in zip(raw.stamps_ns.tolist(), raw.rows, strict=True):
            rotation = Rotation.from_quat(one[:4]).as_matrix()
            is_of_vehicle = is_stuck or not one[4]
            heading = None
            if is_of_vehicle or one[5]:
                try:
                    heading = _heading(body, stamp_ns)
                except GeoError:
                    if is_of_vehicle:
                        self.without_heading += 1
                        continue
            if is_of_vehicle and heading is not None:
                rotation = heading @ (self._at_zero @ rotation if one[4] else rotation)
            stamps.append(stamp_ns)
            rotations.append(rotation)
            headings.append(heading if one[5] else None)
        self._turn_upright(rotations, headings)
        quaternions = [Rotation.from_matrix(one).as_quat() for one in rotations]
        return StampedSeries.of(stamps, quaternions, width=4)

    def is_yaw_stuck(self, raw: StampedSeries, body: StampedSeries | None) -> bool:
        """Return whether a yaw on Earth is 0 all the time while the vehicle turns."""
        if not raw.rows[:, 4].all():
            return False
        # The left axis is level whatever the pitch.
        left = (self._at_zero @ Rotation.from_quat(raw.rows[:, :4]).as_matrix())[:, :, 1]
        yaws_deg = np.degrees(np.arctan2(left[:, 0], left[:, 1]))
        if turned_by_deg(yaws_deg) > 1.0:
            return False
        aircraft = []
        for stamp_ns in raw.stamps_ns.tolist():
            try:
                ahead = _heading(body, stamp_ns)[:, 0]
            except GeoError:
                continue
            aircraft.append(np.degrees(np.arctan2(ahead[0], ahead[1])))
        words = constant_yaw(yaws_deg, np.array(aircraft, np.float64))
        if not words:
            return False
        is_stuck = is_zero(yaws_deg)
        self.remarks.append(
            f'{self._name}: {words}; '
            + (
                'the heading of the vehicle is used for it.'
                if is_stuck
                else 'it is used as it is, as of a gimbal that is locked to north.'
            )
        )
        return is_stuck

    def _turn_upright(
        self,
        rotations: list[NDArray[np.float64]],
        headings: list[NDArray[np.float64] | None],
    ) -> None:
        """Take back a roll of 180 degrees where the upper edge of the image points backwards.

        `headings` is that of the vehicle for the rotations that have such a roll, else None.
        """
        over = [
            (number, float(rotation[:2, 2] @ heading[:2, 0]) < 0)
            for number, (rotation, heading) in enumerate(zip(rotations, headings, strict=True))
            if heading is not None
        ]
        if not over or np.mean([is_backwards for _, is_backwards in over]) <= 0.5:
            return
        for number, _ in over:
            rotations[number] = rotations[number] @ FRD_FROM_FLU  # half a turn about the axis
        self.remarks.append(
            f'{self._name}: a roll of 180 degrees contradicts the heading of the vehicle in '
            f'{len(over)} messages; it is taken as zero.'
        )


def is_all_zero(rows: NDArray[np.float64]) -> bool:
    """Return whether all rows of a gimbal are without any turn, as of payloads without angles."""
    turns = Rotation.from_quat(rows[:, :4]).as_matrix() - np.eye(3)
    return bool(np.abs(turns).max() < 1e-9)


def _heading(body: StampedSeries | None, stamp_ns: int) -> NDArray[np.float64]:
    """Return the rotation (3, 3) about up from the vehicle's heading into east, north, up."""
    if body is None:
        msg = 'There is no attitude of the vehicle.'
        raise GeoError(msg)
    ahead = Rotation.from_quat(body.at(stamp_ns, what='pose', quaternions=True)[:4]).as_matrix()[
        :, 0
    ]
    length = float(np.hypot(*ahead[:2])) or 1.0
    cosine, sine = ahead[:2] / length
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
