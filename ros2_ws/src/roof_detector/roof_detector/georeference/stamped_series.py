# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A series of rows of numbers, interpolated by stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Closer quaternions are interpolated linearly (cosine of half the angle between them).
_STRAIGHT = 0.9999


@dataclass(frozen=True, eq=False, kw_only=True)
class StampedSeries:
    """Rows (n, k) at strictly rising stamps (n,), interpolated for any stamp between.

    There are no values within a gap longer than `max_gap_s`, or beyond either end by more than
    `max_beyond_s`.
    """

    stamps_ns: NDArray[np.int64]
    rows: NDArray[np.float64]
    max_gap_s: float = 1.0
    max_beyond_s: float = 0.05

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.stamps_ns.shape != (len(self.rows),):
            msg = (
                f'{self.stamps_ns.shape} stamps and {self.rows.shape} rows are not a series, '
                'expected (n,) and (n, k).'
            )
            raise GeoError(msg)
        if (np.diff(self.stamps_ns) <= 0).any():
            msg = 'The stamps of a series do not rise, sort them and drop repeated ones.'
            raise GeoError(msg)

    @classmethod
    def of(cls, stamps_ns: ArrayLike, numbers: ArrayLike, *, width: int) -> StampedSeries:
        """Split numbers into rows by stamp; the last of several rows with one stamp counts."""
        stamps = np.asarray(stamps_ns, np.int64)
        unique, last = np.unique(stamps[::-1], return_index=True)
        table = np.asarray(numbers, np.float64).reshape(-1, width)[::-1]
        return cls(stamps_ns=unique, rows=table[last])

    def at(self, stamp_ns: int, *, what: str, quaternions: bool = False) -> NDArray[np.float64]:
        """Return the row of a stamp; the first four columns may be a quaternion x, y, z, w.

        Raises GeoError, which says that `what` is missing, where there is none.
        """
        after = int(np.searchsorted(self.stamps_ns, stamp_ns))
        if after < len(self.rows) and self.stamps_ns[after] == stamp_ns:
            return self.rows[after]
        if after in (0, len(self.rows)):
            return self._beyond(stamp_ns, what)
        gap_ns = int(self.stamps_ns[after] - self.stamps_ns[after - 1])
        if gap_ns > self.max_gap_s * 1e9:
            msg = (
                f'There is no {what} for {gap_ns / 1e9:.1f} s around this frame, '
                f'more than {self.max_gap_s:g} s.'
            )
            raise GeoError(msg)
        share = (stamp_ns - int(self.stamps_ns[after - 1])) / gap_ns
        begin, end = self.rows[after - 1], self.rows[after]
        row = begin + share * (end - begin)
        if quaternions:
            row[:4] = _between(begin[:4], end[:4], share)
        return row

    def _beyond(self, stamp_ns: int, what: str) -> NDArray[np.float64]:
        if not len(self.rows):
            msg = f'The flight has no {what} at all.'
            raise GeoError(msg)
        end = 0 if stamp_ns < self.stamps_ns[0] else -1
        distance_s = abs(stamp_ns - int(self.stamps_ns[end])) / 1e9
        if distance_s > self.max_beyond_s:
            side = 'before the first' if end == 0 else 'after the last'
            msg = f'This frame is {distance_s:.2f} s {side} {what} of the flight.'
            raise GeoError(msg)
        return self.rows[end]


def _between(
    begin: NDArray[np.float64], end: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Interpolate unit quaternions along the shorter rotation (slerp, Shoemake 1985)."""
    cosine = float(begin @ end)
    if cosine < 0:
        end, cosine = -end, -cosine
    if cosine > _STRAIGHT:
        mixed = begin + share * (end - begin)
    else:
        angle = np.arccos(cosine)
        mixed = np.sin((1 - share) * angle) * begin + np.sin(share * angle) * end
    return mixed / np.linalg.norm(mixed)
