# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one rule of when a part may say OK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


# What comes more seldom than this may be silent for three usual intervals.
FRESH_S = 2.0
_FRESH_USUAL = 3.0
# What is missing for longer than this is lost.
LOST_S = 5.0


@dataclass(frozen=True)
class Health:
    """A level, and a sentence that says why."""

    level: Level
    message: str


@dataclass(frozen=True)
class Delivery:
    """Something that was asked for: what it is called, and for how long it has not come.

    `silent_s` counts from the last one, or from when it was asked for; `usual_s` is how far apart
    it came lately, 0 for unknown.
    """

    what: str
    silent_s: float
    usual_s: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Return whether it came in the last seconds."""
        return self.silent_s <= max(FRESH_S, _FRESH_USUAL * self.usual_s)

    @property
    def is_lost(self) -> bool:
        """Return whether it has been missing for so long that it is an error."""
        return self.silent_s > LOST_S and not self.is_fresh


def health(
    *,
    working: str,
    faults: Iterable[Health] = (),
    missing: Iterable[Delivery] = (),
    has_arrived: bool,
    pause: str = '',
) -> Health:
    """Return the worst of all that is known; OK only where what was asked for arrives.

    `working` is said of a part that is well, `pause` of one that somebody has paused (nothing is
    expected of it then), and `missing` names what was asked for; what is fresh of it is no fault.
    `has_arrived` tells whether anything that was asked for has come at all.
    """
    found = list(faults)
    if pause:
        found.append(Health(Level.WARN, pause))
    else:
        for one in missing:
            if not one.is_fresh:
                level = Level.ERROR if one.is_lost else Level.WARN
                found.append(Health(level, f'{one.what} for {one.silent_s:.1f} s.'))
        if not has_arrived and not found:
            found.append(Health(Level.WARN, f'{working} Nothing has arrived yet.'))
    if not found:
        return Health(Level.OK, working)
    return max(found, key=lambda one: one.level)
