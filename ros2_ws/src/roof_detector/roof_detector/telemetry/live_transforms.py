# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The newest transforms of /tf and /tf_static, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.live_series import LiveSeries
from roof_detector.telemetry.transform_tree import (
    MAX_BEYOND_S,
    MAX_GAP_S,
    TransformLink,
    TransformTree,
    stamped_transform,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.telemetry.transform_tree import TransformPath

_MOST_LINKS = 500
_MOST_ROWS = 1000


class LiveTransforms:
    """Links by parent and child; the tree is rebuilt when one is added."""

    def __init__(self) -> None:
        self._moving: dict[tuple[str, str], _LiveRows] = {}
        self._static: dict[tuple[str, str], StampedSeries] = {}
        self._tree: TransformTree | None = None

    def __len__(self) -> int:
        return len(self._moving) + len(self._static)

    def add(self, message: Any, *, is_static: bool) -> tuple[int, int]:
        """Add the transforms of a message; return how many were used and how many invalid.

        A robot has tens of links: what names further ones than the most that are kept is invalid.
        """
        used = invalid = 0
        for one in message.transforms:
            found = stamped_transform(one)
            if found is None or found[0][0] == found[0][1] or not self._has_room(found[0]):
                invalid += 1
                continue
            names, stamp_ns, row = found
            used += 1
            if is_static:
                if names not in self._static or list(self._static[names].rows[0]) != row:
                    self._static[names] = StampedSeries.of([stamp_ns], [row], width=7)
                    self._tree = None
                continue
            if names not in self._moving:
                self._moving[names] = _LiveRows(LiveSeries(width=7, most_rows=_MOST_ROWS))
                self._tree = None
            self._moving[names].series.add(stamp_ns, row)
        return used, invalid

    def tree(self) -> TransformTree:
        """Return the tree of the transforms so far, which looks up those to come as well."""
        if self._tree is None:
            links = [
                TransformLink(parent=parent, child=child, is_static=True, series=series)
                for (parent, child), series in self._static.items()
            ]
            links += [
                TransformLink(parent=parent, child=child, is_static=False, series=rows)
                for (parent, child), rows in self._moving.items()
                if (parent, child) not in self._static
            ]
            self._tree = TransformTree(links)
        return self._tree

    def _has_room(self, names: tuple[str, str]) -> bool:
        return names in self._moving or names in self._static or len(self) < _MOST_LINKS


def is_path_around(path: TransformPath, stamp_ns: int) -> bool:
    """Return whether every moving transform of a path is known before and after a stamp."""
    within_ns = round(MAX_GAP_S * 1e9)
    moving = (link.series for link in (*path.up, *path.down))
    return all(
        rows.series.is_around(stamp_ns, within_ns=within_ns)
        for rows in moving
        if isinstance(rows, _LiveRows)
    )


class _LiveRows:
    """The rows of a moving transform, looked up in the newest ones."""

    def __init__(self, series: LiveSeries) -> None:
        self.series = series

    def at(self, stamp_ns: int, *, what: str, quaternions: bool = False) -> NDArray[Any]:
        """Return the row of a stamp; raise GeoError where there is none."""
        window = self.series.window(
            stamp_ns, stamp_ns, max_gap_s=MAX_GAP_S, max_beyond_s=MAX_BEYOND_S
        )
        return window.at(stamp_ns, what=what, quaternions=quaternions)
