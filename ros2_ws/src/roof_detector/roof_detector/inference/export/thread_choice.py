# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The choice of the number of CPU threads for a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A core that saves less than this share of a pass is worth more to the camera, DDS and recorder.
_WORTH = 0.1


def thread_numbers(cores: int) -> tuple[int, ...]:
    """Return the numbers worth timing: all cores, half of them (one a hyperthread), and so on."""
    numbers = []
    while cores:
        numbers.append(cores)
        cores //= 2
    return tuple(numbers)


def fewest_threads(times_ms: Mapping[int, float]) -> int:
    """Return the fewest threads that are hardly slower than the fastest number of them.

    Threads wait for each other in every layer: small layers do not repay it, and with AMX even
    large ones may not (docs/decisions/threads.md).
    """
    enough_ms = min(times_ms.values()) * (1 + _WORTH)
    return min(threads for threads, taken_ms in times_ms.items() if taken_ms <= enough_ms)
