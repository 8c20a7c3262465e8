# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The transforms of /tf and /tf_static, looked up between any two frames at any stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A localiser corrects `map` once a second or slower; between two corrections it is interpolated.
MAX_GAP_S, MAX_BEYOND_S = 2.5, 0.5
_LONGEST_QUATERNION = 2.0


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """A rotation (3, 3) and a translation (3,) in metres: of a child frame in its parent's."""

    rotation: NDArray[np.float64]
    translation_m: NDArray[np.float64]

    @classmethod
    def of_row(cls, row: NDArray[np.float64]) -> RigidTransform:
        """Return the transform of a row: quaternion x, y, z, w and translation."""
        return cls(Rotation.from_quat(row[:4]).as_matrix(), row[4:7])

    def after(self, inner: RigidTransform) -> RigidTransform:
        """Return the transform that first applies `inner`, then this one."""
        return RigidTransform(
            self.rotation @ inner.rotation,
            self.rotation @ inner.translation_m + self.translation_m,
        )

    def inverse(self) -> RigidTransform:
        """Return the transform back."""
        return RigidTransform(self.rotation.T, -(self.rotation.T @ self.translation_m))


class StampedRows(Protocol):
    """Rows that are looked up by stamp, of a recording or the newest ones of a live topic."""

    def at(self, stamp_ns: int, *, what: str, quaternions: bool = False) -> NDArray[np.float64]:
        """Return the row of a stamp; raise GeoError where there is none."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TransformLink:
    """A frame's transform in its parent's frame: constant with one row, else by stamp."""

    parent: str
    child: str
    is_static: bool
    series: StampedRows

    def at(self, stamp_ns: int) -> RigidTransform:
        """Return the transform at a stamp; raise GeoError in a gap or beyond the ends."""
        if self.is_static:
            assert isinstance(self.series, StampedSeries)
            return RigidTransform.of_row(self.series.rows[-1])
        what = f'transform {self.parent} -> {self.child}'
        return RigidTransform.of_row(self.series.at(stamp_ns, what=what, quaternions=True))


class TransformTree:
    """The links of all frames, each to its one parent (REP 105)."""

    def __init__(self, links: Sequence[TransformLink] = ()) -> None:
        self._links: dict[str, TransformLink] = {}
        self._other_parents: dict[str, str] = {}
        for link in links:
            if self._links.setdefault(link.child, link).parent != link.parent:
                self._other_parents[link.child] = link.parent

    @property
    def frames(self) -> tuple[str, ...]:
        """Return the names of all frames in alphabetical order."""
        parents = {link.parent for link in self._links.values()}
        return tuple(sorted({*self._links, *parents, *self._other_parents.values()}))

    def ancestors(self, frame: str) -> list[str]:
        """Return a frame and all above it; raise TelemetryError for a loop or two parents."""
        found = [frame]
        while (link := self._links.get(found[-1])) is not None:
            if link.child in self._other_parents:
                msg = (
                    f'/tf has two parents for {link.child}: {link.parent} and '
                    f'{self._other_parents[link.child]}. Two programs publish it; record only '
                    'one of them.'
                )
                raise TelemetryError(msg)
            if link.parent in found:
                loop = ' -> '.join([*found, link.parent])
                msg = f'/tf goes round in a loop: {loop}. Correct its publishers.'
                raise TelemetryError(msg)
            found.append(link.parent)
        return found

    def path(self, target: str, source: str) -> TransformPath:
        """Return the transforms from a source frame into a target frame.

        Raises TelemetryError for a frame that is not there, and for two frames that nothing
        connects.
        """
        for frame in (target, source):
            if frame not in self.frames:
                there = ', '.join(self.frames) or 'none at all'
                msg = f'/tf has no frame {frame!r}; it has {there}.'
                raise TelemetryError(msg)
        above_source, above_target = self.ancestors(source), self.ancestors(target)
        shared = next((frame for frame in above_source if frame in above_target), None)
        if shared is None:
            msg = (
                f'/tf connects {source} to {above_source[-1]} and {target} to '
                f'{above_target[-1]}, but not the two of them.'
            )
            raise TelemetryError(msg)
        up = above_source[: above_source.index(shared)]
        down = above_target[: above_target.index(shared)]
        return TransformPath(
            target=target,
            source=source,
            up=tuple(self._links[frame] for frame in up),
            down=tuple(self._links[frame] for frame in down),
        )

    def connects(self, target: str, source: str) -> bool:
        """Return whether a source frame can be transformed into a target frame."""
        try:
            self.path(target, source)
        except TelemetryError:
            return False
        return True


@dataclass(frozen=True, eq=False, kw_only=True)
class TransformPath:
    """The links from a source frame up to a shared one, and those from the target up to it."""

    target: str
    source: str
    up: tuple[TransformLink, ...]
    down: tuple[TransformLink, ...]

    def at(self, stamp_ns: int) -> RigidTransform:
        """Return the transform of the source in the target at a stamp; raise GeoError in a gap."""
        found = RigidTransform(np.eye(3), np.zeros(3))
        for link in self.up:
            found = link.at(stamp_ns).after(found)
        back = RigidTransform(np.eye(3), np.zeros(3))
        for link in self.down:
            back = link.at(stamp_ns).after(back)
        return back.inverse().after(found)

    @property
    def is_static(self) -> bool:
        """Return whether the transform is the same at all stamps."""
        return all(link.is_static for link in (*self.up, *self.down))

    def __str__(self) -> str:
        frames = [link.child for link in self.up]
        top = self.up[-1].parent if self.up else self.down[-1].parent if self.down else self.target
        return ' -> '.join([*frames, top, *reversed([link.child for link in self.down])])


def stamped_transform(message: Any) -> tuple[tuple[str, str], int, list[float]] | None:
    """Return parent and child, stamp, and row (7,) of a TransformStamped; None if invalid."""
    turn, shift = message.transform.rotation, message.transform.translation
    row = [turn.x, turn.y, turn.z, turn.w, shift.x, shift.y, shift.z]
    length = float(np.linalg.norm(row[:4]))
    names = message.header.frame_id.lstrip('/'), message.child_frame_id.lstrip('/')
    if not (0.5 < length < _LONGEST_QUATERNION and np.isfinite(row).all() and all(names)):
        return None
    stamp = message.header.stamp
    stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
    return names, stamp_ns, [*(value / length for value in row[:4]), *row[4:]]


class TransformCollector:
    """Collects the transforms of TFMessages, and counts those that cannot be used."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[list[int], list[list[float]]]] = {}
        self._static: set[tuple[str, str]] = set()
        self.invalid_count = 0

    def add(self, message: Any, *, is_static: bool) -> None:
        """Add the transforms of a message of /tf or /tf_static."""
        for one in message.transforms:
            found = stamped_transform(one)
            if found is None:
                self.invalid_count += 1
                continue
            names, stamp_ns, row = found
            stamps, rows = self._rows.setdefault(names, ([], []))
            stamps.append(stamp_ns)
            rows.append(row)
            if is_static:
                self._static.add(names)

    def tree(self) -> TransformTree:
        """Return the tree of what was collected; raise TelemetryError for an impossible one."""
        links = []
        for (parent, child), (stamps, rows) in self._rows.items():
            if parent == child:
                msg = f'/tf goes round in a loop: {parent} -> {child}. Correct its publishers.'
                raise TelemetryError(msg)
            try:
                series = StampedSeries.of(stamps, rows, width=7)
            except GeoError as error:
                msg = f'The transforms {parent} -> {child} are unusable: {error}'
                raise TelemetryError(msg) from error
            kept = StampedSeries(
                stamps_ns=series.stamps_ns,
                rows=series.rows,
                max_gap_s=MAX_GAP_S,
                max_beyond_s=MAX_BEYOND_S,
            )
            links.append(
                TransformLink(
                    parent=parent,
                    child=child,
                    is_static=(parent, child) in self._static,
                    series=kept,
                )
            )
        return TransformTree(links)
