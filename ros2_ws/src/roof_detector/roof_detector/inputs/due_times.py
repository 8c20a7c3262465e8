# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""When the frames of a recording are due, whatever times it holds."""

from __future__ import annotations

# A gap between recorded times may be wrong; nobody waits for a player for longer than this.
LONGEST_GAP_S = 60.0
SHORTENED_GAP_S = 1.0
_LONGEST_NS, _SHORTENED_NS = int(LONGEST_GAP_S * 1e9), int(SHORTENED_GAP_S * 1e9)


class DueTimes:
    """Turns recorded times into the times at which frames are due, and shortens long gaps.

    A gap of more than a minute, forwards or back, becomes a second. `shortened` counts them and
    `warning` reports them; it is empty where there was none.
    """

    def __init__(self) -> None:
        self.shortened = 0
        self._longest_ns = 0
        self._shift_ns = 0
        self._last_ns: int | None = None

    @property
    def warning(self) -> str:
        """Return a sentence about the gaps that were shortened."""
        if not self.shortened:
            return ''
        return (
            f'{self.shortened} gaps between recorded times, the longest of '
            f'{self._longest_ns / 1e9:.0f} s, are played as {SHORTENED_GAP_S:g} s.'
        )

    def of(self, time_ns: int) -> int:
        """Return when the frame with a recorded time is due."""
        gap_ns = 0 if self._last_ns is None else time_ns - self._last_ns
        if abs(gap_ns) > _LONGEST_NS:
            self._shift_ns += gap_ns - _SHORTENED_NS
            self._longest_ns = max(self._longest_ns, abs(gap_ns))
            self.shortened += 1
        self._last_ns = time_ns
        return time_ns - self._shift_ns
