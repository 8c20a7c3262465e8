# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The seconds and nanoseconds of a ROS time."""

from __future__ import annotations

# builtin_interfaces/Time: int32 and uint32.
_LEAST_SEC, _MOST_SEC, _MOST_NANOSEC = -(2**31), 2**31 - 1, 2**32 - 1


def stamp_fields(stamp_ns: int) -> tuple[int, int]:
    """Return seconds and nanoseconds of a stamp; one out of range becomes the nearest one.

    A stamp from a header fits: seconds beyond the last one go into the nanoseconds again.
    """
    sec = min(max(stamp_ns // 10**9, _LEAST_SEC), _MOST_SEC)
    return sec, min(max(stamp_ns - sec * 10**9, 0), _MOST_NANOSEC)
