# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Checks a gimbal's angles against the heading of the aircraft."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The heading of a camera that points so steeply is in yaw and roll together.
STEEP_DEG = 80.0
_TURNED_OVER_DEG = 1.0  # how near to 180 degrees a roll turns the camera over
_CONSTANT_DEG = 0.01  # no gimbal holds its yaw so exactly
_TURN_DEG = 20.0  # from which an aircraft has turned


def wrapped_deg(degrees: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return angles within -180 and 180 degrees."""
    return np.asarray((np.asarray(degrees, np.float64) + 180.0) % 360.0 - 180.0)


def turned_by_deg(headings_deg: NDArray[np.float64]) -> float:
    """Return the angle between the outermost of successive headings (n,), 0 for none."""
    return float(np.ptp(np.unwrap(headings_deg, period=360.0))) if len(headings_deg) else 0.0


def is_turned_over(pitch_deg: float, roll_deg: float) -> bool:
    """Return whether a roll of 180 degrees reverses the heading of a camera that looks down."""
    return pitch_deg < -STEEP_DEG and abs(abs(roll_deg) - 180.0) < _TURNED_OVER_DEG


def is_reversed(
    as_told_deg: NDArray[np.float64] | float,
    turned_back_deg: NDArray[np.float64] | float,
    aircraft_deg: NDArray[np.float64] | float,
) -> NDArray[np.bool_]:
    """Return where a heading looks backwards as it is told, and ahead without its roll of 180."""
    ahead = np.abs(wrapped_deg(np.subtract(turned_back_deg, aircraft_deg))) <= 90.0
    return np.asarray(ahead & (np.abs(wrapped_deg(np.subtract(as_told_deg, aircraft_deg))) > 90.0))


def constant_yaw(yaws_deg: NDArray[np.float64], aircraft_deg: NDArray[np.float64]) -> str:
    """Return in words what a yaw relative to north hides that does not follow the aircraft.

    '' for a yaw that moves, or that stands still with the aircraft.
    """
    turned = turned_by_deg(aircraft_deg)
    if len(yaws_deg) < 3 or turned < _TURN_DEG or turned_by_deg(yaws_deg) > _CONSTANT_DEG:
        return ''
    return (
        f'the yaw of the gimbal is {abs(round(float(yaws_deg[0]), 1)):g} degrees all the time, '
        f'while the aircraft turns by {turned:.0f} degrees'
    )


def is_zero(yaws_deg: NDArray[np.float64]) -> bool:
    """Return whether a yaw is 0 all the time, or 180 as of a camera that is turned over."""
    return bool((np.abs(wrapped_deg(2.0 * yaws_deg)) < 2.0 * _CONSTANT_DEG).all())


def checked_angles(
    angles_deg: NDArray[np.float64],
    *,
    aircraft_deg: NDArray[np.float64] | None,
    courses_deg: NDArray[np.float64],
) -> tuple[NDArray[np.float64], list[str]]:
    """Return a gimbal's yaw, pitch, roll (n, 3) with what is wrong set right, and words on it.

    `aircraft_deg` (n,) is the heading of the aircraft, None where nobody recorded it;
    `courses_deg` (n,) the course over ground, NaN while it hovers, which a roll of 180 is checked
    against then.
    """
    checked, found = angles_deg.copy(), []
    if aircraft_deg is not None and (words := constant_yaw(checked[:, 0], aircraft_deg)):
        if is_zero(checked[:, 0]):
            checked[:, 0] = aircraft_deg
            found.append(f'{words}; the heading of the aircraft is used for it.')
        else:
            found.append(f'{words}; it is used as it is, as of a gimbal that is locked to north.')
    heading = courses_deg if aircraft_deg is None else aircraft_deg
    over = np.array([is_turned_over(pitch, roll) for _, pitch, roll in checked], bool)
    over &= np.isfinite(heading)
    if over.any():
        yaws = checked[over, 0]
        if np.mean(is_reversed(yaws + 180.0, yaws, heading[over])) > 0.5:
            every = [is_turned_over(pitch, roll) for _, pitch, roll in checked]
            checked[every, 2] = 0.0
            found.append(
                'a roll of 180 degrees contradicts the '
                f'{"course" if aircraft_deg is None else "heading"} of the aircraft; it is taken '
                'as zero.'
            )
    return checked, found
