# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one rule that decides when a part may report OK."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(IntEnum):
    """The severity of a status; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


# Data that arrives more rarely than this may be silent for three usual intervals.
FRESH_S = 2.0
_FRESH_USUAL = 3.0
# Data that is missing for longer than this is lost.
LOST_S = 5.0


@dataclass(frozen=True)
class Health:
    """A level, and a sentence with the reason."""

    level: Level
    message: str


@dataclass(frozen=True)
class Delivery:
    """Data that was requested: its name, and for how long it has not arrived.

    `silent_s` counts from the last arrival, or from the request; `usual_s` is the recent interval
    between arrivals, 0 if unknown.
    """

    what: str
    silent_s: float
    usual_s: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Return whether data arrived within the last seconds."""
        return self.silent_s <= max(FRESH_S, _FRESH_USUAL * self.usual_s)

    @property
    def is_lost(self) -> bool:
        """Return whether data has been missing for so long that it is an error."""
        return self.silent_s > LOST_S and not self.is_fresh


def health(
    *,
    working: str,
    faults: Iterable[Health] = (),
    missing: Iterable[Delivery] = (),
    has_arrived: bool,
    pause: str = '',
) -> Health:
    """Return the worst of all known states; OK only if the requested data arrives.

    `working` is the message of a healthy part, `pause` that of a paused one (nothing is expected
    of it), and `missing` lists the requested data; fresh data is no fault. `has_arrived` is
    whether any requested data has arrived so far.
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
