# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The newest values of one topic, in bounded memory, looked up by stamp."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import TYPE_CHECKING

from roof_detector.georeference.stamped_series import StampedSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS = 4000  # 20 s of 200 messages a second


class LiveSeries:
    """Rows of `width` numbers in the order of their stamps; the one that came first is forgotten.

    The order of arrival decides, so a stamp from the future costs one row, and not all others.
    """

    def __init__(self, *, width: int, most_rows: int = MOST_ROWS) -> None:
        self._width = width
        self._most_rows = most_rows
        self._stamps_ns: list[int] = []
        self._rows: list[Sequence[float]] = []
        self._arrived: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._stamps_ns)

    @property
    def newest_ns(self) -> int | None:
        """Return the stamp that arrived last, None before the first."""
        return self._arrived[-1] if self._arrived else None

    def add(self, stamp_ns: int, row: Sequence[float]) -> None:
        """Add a row; one of the same stamp is replaced."""
        place = bisect_left(self._stamps_ns, stamp_ns)
        if place < len(self._stamps_ns) and self._stamps_ns[place] == stamp_ns:
            self._rows[place] = row
            return
        self._stamps_ns.insert(place, stamp_ns)
        self._rows.insert(place, row)
        self._arrived.append(stamp_ns)
        if len(self._arrived) > self._most_rows:
            first = bisect_left(self._stamps_ns, self._arrived.popleft())
            del self._stamps_ns[first], self._rows[first]

    def is_around(self, stamp_ns: int, *, within_ns: int) -> bool:
        """Return whether rows before and after a stamp are there, neither further than that."""
        place = bisect_left(self._stamps_ns, stamp_ns)
        if place == len(self._stamps_ns):
            return False
        after_ns = self._stamps_ns[place]
        if after_ns == stamp_ns:
            return True
        return after_ns - stamp_ns <= within_ns and (
            place > 0 and stamp_ns - self._stamps_ns[place - 1] <= within_ns
        )

    def window(
        self, begin_ns: int, end_ns: int, *, max_gap_s: float = 1.0, max_beyond_s: float = 0.05
    ) -> StampedSeries:
        """Return the rows between two stamps, with the nearest one beyond either."""
        first = max(bisect_left(self._stamps_ns, begin_ns) - 1, 0)
        last = bisect_right(self._stamps_ns, end_ns) + 1
        found = StampedSeries.of(
            self._stamps_ns[first:last], self._rows[first:last], width=self._width
        )
        return StampedSeries(
            stamps_ns=found.stamps_ns,
            rows=found.rows,
            max_gap_s=max_gap_s,
            max_beyond_s=max_beyond_s,
        )
