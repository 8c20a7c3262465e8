# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether the CPU is slowed down for heat or power."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What Linux calls cooling devices that slow a CPU down, such as Processor or cpufreq-cpu0.
_CPU_COOLING = ('processor', 'cpufreq', 'cpu')
# Intel counts the events; one that comes again and again is a state.
_EVENT_LASTS_S = 5.0


class Throttling:
    """Asks Linux whether it slows the CPU down: by cooling devices, or Intel's event counters.

    `root` is /sys. Where neither exists, as in most virtual machines, the CPU is never throttled.
    """

    def __init__(
        self, root: Path = Path('/sys'), *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._event_s = -inf
        self._states = [
            folder / 'cur_state'
            for folder in root.glob('class/thermal/cooling_device*')
            if _text(folder / 'type').lower().startswith(_CPU_COOLING)
        ]
        self._counters = list(
            root.glob('devices/system/cpu/cpu*/thermal_throttle/core_throttle_count')
        )
        self._counted = self._count()

    def is_on(self) -> bool:
        """Return whether the CPU is slowed down, or was in the last seconds."""
        counted, before = self._count(), self._counted
        self._counted = counted
        if counted > before:
            self._event_s = self._clock()
        is_recent = self._clock() - self._event_s <= _EVENT_LASTS_S
        return is_recent or any(_number(state) > 0 for state in self._states)

    def _count(self) -> int:
        return sum(_number(counter) for counter in self._counters)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8').strip()
    except (OSError, UnicodeDecodeError):
        return ''


def _number(path: Path) -> int:
    with suppress(ValueError):
        return int(_text(path))
    return 0
