# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Groups of images that belong together and must stay in one split."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from training.dataset.error import DatasetError
from training.dataset.likeness import alike
from training.dataset.source_name import SourceName

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from training.dataset.image_facts import ImageFacts
    from training.dataset.labelled_set import Sample

# Two roofs in one street are one place; a survey's images are a few metres apart.
PLACE_GAP_M = 50.0
# A battery lasts longer than any pause between two images of one flight.
FLIGHT_GAP_S = 600.0
WAYS = ('auto', 'gps', 'look', 'time', 'video')
_METRES_PER_DEGREE = 111_320.0
# Half of the cells that are less than a gap away; the other half sees this one.
_NEAR_CELLS = [(i, j) for i in range(3) for j in range(-2, 3) if (i, j) > (0, 0)]


class Groups:
    """A union-find structure: members that belong together; each begins alone."""

    def __init__(self, count: int) -> None:
        """Begin with `count` members."""
        self._parent = list(range(count))

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Join the two members of each pair, and all that is joined to them."""
        for i, j in pairs:
            a, b = self._root(i), self._root(j)
            self._parent[max(a, b)] = min(a, b)

    def numbers(self) -> list[int]:
        """Return the group of each member, numbered from 0 in the order of first members."""
        order: dict[int, int] = {}
        roots = [self._root(i) for i in range(len(self._parent))]
        return [order.setdefault(root, len(order)) for root in roots]

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i


def groups_of(
    samples: Sequence[Sample],
    facts: Sequence[ImageFacts],
    *,
    by: str = 'auto',
    place_gap_m: float = PLACE_GAP_M,
    flight_gap_s: float = FLIGHT_GAP_S,
) -> list[int]:
    """Return the group of each sample.

    Copies of one image (of one content, or Roboflow's of one upload) and images that look the same
    are always together, whatever their names; `video` adds frames of one video by their names,
    `gps` images of one place, `time` those of one flight by EXIF, `auto` all of these. Raises
    DatasetError if no image has the required information.
    """
    names = [SourceName.of(sample.image_path) for sample in samples]
    groups = Groups(len(samples))
    groups.join(_equal([one.content for one in facts]))
    groups.join(_equal([name.source if name.is_copy else None for name in names]))
    # One of each content, for equal files are together already.
    first: dict[Hashable, int] = {}
    for i, one in enumerate(facts):
        first.setdefault(one.content if one.content is not None else i, i)
    distinct = list(first.values())
    pairs_alike = alike([facts[i].thumbnail for i in distinct])
    groups.join((distinct[i], distinct[j]) for i, j in pairs_alike)
    found = {
        'video': _equal([name.video for name in names]),
        'gps': _near([one.lat_lon_deg for one in facts], place_gap_m),
        'time': _soon([one.taken_s for one in facts], flight_gap_s),
    }
    if by == 'auto':
        for pairs in found.values():
            groups.join(pairs)
    elif by in found:
        known = {
            'video': any(name.video is not None for name in names),
            'gps': any(one.lat_lon_deg is not None for one in facts),
            'time': any(one.taken_s is not None for one in facts),
        }
        if not known[by]:
            msg = f'No image tells its {by}; split by another of {WAYS}.'
            raise DatasetError(msg)
        groups.join(found[by])
    return groups.numbers()


def _equal(keys: Sequence[Hashable | None]) -> Iterator[tuple[int, int]]:
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        if key is not None:
            members[key].append(i)
    for together in members.values():
        yield from ((together[0], other) for other in together[1:])


def _near(places: Sequence[tuple[float, float] | None], gap_m: float) -> Iterator[tuple[int, int]]:
    """Yield pairs no farther apart than the gap, enough to join what chains of them join."""
    known = [i for i, place in enumerate(places) if place is not None]
    if not known:
        return
    degrees = np.array([places[i] for i in known], dtype=np.float64)
    scale = np.array([1.0, np.cos(np.radians(degrees[:, 0].mean()))]) * _METRES_PER_DEGREE
    metres = degrees * scale
    # All within a cell of this size are near each other; so only one of its pairs is needed, and
    # of two cells the nearest one. A survey has thousands of images within a gap.
    size = max(gap_m, 1e-6) / np.sqrt(2)
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, cell in enumerate(np.floor(metres / size).astype(np.int64).tolist()):
        cells[cell[0], cell[1]].append(row)
    trees = {cell: cKDTree(metres[rows]) for cell, rows in cells.items()}
    for cell, rows in cells.items():
        yield from ((known[rows[0]], known[row]) for row in rows[1:])
        for offset in _NEAR_CELLS:
            other = cell[0] + offset[0], cell[1] + offset[1]
            if other in cells:
                away, at = trees[cell].query(metres[cells[other]], distance_upper_bound=2 * gap_m)
                best = int(np.argmin(away))
                if away[best] <= gap_m:
                    yield known[rows[int(at[best])]], known[cells[other][best]]


def _soon(times: Sequence[float | None], gap_s: float) -> Iterator[tuple[int, int]]:
    known = sorted((time, i) for i, time in enumerate(times) if time is not None)
    for (before, i), (after, j) in itertools.pairwise(known):
        if after - before <= gap_s:
            yield i, j
