# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a stamp says of a message's age, if it says anything."""

from __future__ import annotations

from typing import Any

# What two synchronised clocks may differ by: a stamp that is ahead by less is of this moment.
AHEAD_S = 0.05
# Some cameras count from their own start. Told as an age that would be 56 years.
_OLDEST_S = 10 * 365.25 * 86_400
_NS = 1_000_000_000


def stamp_ns(stamp: Any) -> int:
    """Return a builtin_interfaces/Time in nanoseconds, whatever stands in its fields.

    rclpy's own Time refuses negative seconds, which some camera drivers send.
    """
    return int(stamp.sec) * _NS + int(stamp.nanosec)


def is_valid(stamp: Any) -> bool:
    """Return whether a stamp is a time at all: set, not negative, its nanoseconds below 1 s."""
    return stamp.sec >= 0 and stamp.nanosec < _NS and stamp_ns(stamp) > 0


def age_s(stamp: Any, *, now_ns: int) -> float | None:
    """Return how old a stamp is; None where it cannot be an age.

    That is a stamp that was never set, is negative, lies ahead, or is older than any flight.
    """
    if not is_valid(stamp):
        return None
    age = (now_ns - stamp_ns(stamp)) / _NS
    if age < -AHEAD_S or age > _OLDEST_S:
        return None
    return max(0.0, age)
