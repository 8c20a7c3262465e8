# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a model would change in an inspection: findings gained and lost, decisions contradicted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.flight_shift import FlightShift
from roof_detector.findings.inspection_alignment import paired, placed
from roof_detector.findings.roof_finding import FindingState
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.vision.matching import pairwise_iou

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.history.recorded_inspection import RecordedInspection

# Boxes of one frame that overlap so much show one object: networks differ in how tight they are.
_LEAST_IOU = 0.3
_RANKS = {FindingState.TENTATIVE: 1, FindingState.CONFIRMED: 2}
# Both inspections believe the same fixes, so that no shift is between them.
_SAME_PLACE = FlightShift(offset_en=np.zeros(2), covariance=0.01 * np.eye(2), matches=0)


class ReplayedKind(str, Enum):
    """What becomes of a finding with the new model."""

    CONTRADICTED = 'contradicted'
    LOST = 'lost'
    RENAMED = 'renamed'
    GAINED = 'gained'
    STILL_RAISED = 'still raised'
    NO_LONGER_RAISED = 'no longer raised'
    KEPT = 'kept'


@dataclass(frozen=True, kw_only=True)
class ReplayedFinding:
    """One finding with what becomes of it and why; `old` or `new` is None where it has none.

    `by_person` tells that a person confirmed, renamed or rejected it.
    """

    kind: ReplayedKind
    old: RoofFinding | None
    new: RoofFinding | None
    reason: str
    by_person: bool = False

    @property
    def class_name(self) -> str:
        """Return what it is called, by people before models."""
        finding = self.old or self.new
        assert finding is not None
        return finding.class_name


def compare_replay(
    old: RecordedInspection, new: RecordedInspection, flights: Collection[str]
) -> list[ReplayedFinding]:
    """Compare what was found in the same flights, worst first.

    Findings are one where their boxes overlap in any frame, else where their places agree.
    Findings that none of these `flights` shows are left out.
    """
    before, after = _shown(old, flights), _shown(new, flights)
    of_old, of_new = _partners(old, new, before, after)
    found: list[ReplayedFinding] = []
    for one, partner in zip(before, of_old, strict=True):
        judged = _judged(old, one, None if partner is None else after[partner])
        if judged is not None:
            found.append(judged)
    for j, one in enumerate(after):
        if one.state is FindingState.CONFIRMED and of_new[j] is None:
            reason = 'Nothing was found there.'
            found.append(
                ReplayedFinding(kind=ReplayedKind.GAINED, old=None, new=one, reason=reason)
            )
    return sorted(found, key=_order)


def _shown(inspection: RecordedInspection, flights: Collection[str]) -> list[RoofFinding]:
    seen = (listed for key, listed in inspection.sightings.items() if key[0] in flights)
    numbers = {one.finding for listed in seen for one in listed}
    found = (
        inspection.findings[number] for number in sorted(numbers & inspection.findings.keys())
    )
    return [one for one in found if not one.is_outside]


def counted_replay(found: Sequence[ReplayedFinding]) -> dict[str, int]:
    """Return how many there are of each kind."""
    counts = Counter(one.kind for one in found)
    return {kind.value: counts[kind] for kind in ReplayedKind}


def _judged(
    inspection: RecordedInspection, old: RoofFinding, new: RoofFinding | None
) -> ReplayedFinding | None:
    """Return what becomes of a finding, None for one that nobody reported before or now."""
    by_person = old.number in inspection.touched
    computed = inspection.computed.get(old.number, old)
    now = 0 if new is None else _RANKS.get(new.state, 0)
    kind, reason = ReplayedKind.KEPT, 'Both models find it.'
    if old.state is FindingState.REJECTED and old.decided:
        raised = now == _RANKS[FindingState.CONFIRMED]
        kind = ReplayedKind.STILL_RAISED if raised else ReplayedKind.NO_LONGER_RAISED
        reason = (
            'A person rejected it, and the new model reports it.'
            if raised
            else 'A person rejected it, and the new model does not report it.'
        )
    elif by_person and old.state is not FindingState.REJECTED:
        then = _RANKS.get(computed.state, 0)
        if now < max(then, 1):
            kind = ReplayedKind.CONTRADICTED
            reason = f'A person decided it, and {_weaker(new)}.'
        elif new is not None and new.class_name != old.class_name:
            kind = ReplayedKind.CONTRADICTED
            reason = f'A person decided it, and the new model calls it {new.class_name}.'
    elif old.state is not FindingState.CONFIRMED:
        if now < _RANKS[FindingState.CONFIRMED]:
            return None
        kind, reason = ReplayedKind.GAINED, f'It was {old.state.value} before.'
    elif now < _RANKS[FindingState.CONFIRMED]:
        kind, reason = ReplayedKind.LOST, f'Nobody decided it, and {_weaker(new)}.'
    elif new is not None and new.class_name != old.class_name:
        kind = ReplayedKind.RENAMED
        reason = f'Nobody decided it, and the new model calls it {new.class_name}.'
    return ReplayedFinding(kind=kind, old=old, new=new, reason=reason, by_person=by_person)


def _weaker(new: RoofFinding | None) -> str:
    if new is None:
        return 'the new model does not find it'
    return f'the new model leaves it {new.state.value} (existence {new.existence:.2f})'


def _partners(
    old: RecordedInspection,
    new: RecordedInspection,
    before: Sequence[RoofFinding],
    after: Sequence[RoofFinding],
) -> tuple[list[int | None], list[int | None]]:
    """Return for each finding of both the one that it is in the other, None without."""
    rows = {one.number: i for i, one in enumerate(before)}
    columns = {one.number: j for j, one in enumerate(after)}
    shared: dict[tuple[int, int], float] = defaultdict(float)
    for key, seen in old.sightings.items():
        others = new.sightings.get(key, ())
        if not others:
            continue
        overlap = pairwise_iou(
            np.array([one.box_xyxy for one in seen]), np.array([one.box_xyxy for one in others])
        )
        for a, b in np.argwhere(overlap >= _LEAST_IOU).tolist():
            i, j = rows.get(seen[a].finding), columns.get(others[b].finding)
            if i is not None and j is not None:
                shared[i, j] += float(overlap[a, b])
    of_old: list[int | None] = [None] * len(before)
    of_new: list[int | None] = [None] * len(after)
    # Each with the one it shares most with; what is left is a part of one that has its partner.
    order = sorted(shared, key=lambda pair: (-round(shared[pair], 6), pair))
    for i, j in order:
        if of_old[i] is None and of_new[j] is None:
            of_old[i], of_new[j] = j, i
    for i, j in order:
        of_old[i] = j if of_old[i] is None else of_old[i]
        of_new[j] = i if of_new[j] is None else of_new[j]
    _pair_by_place(before, after, of_old, of_new)
    return of_old, of_new


def _pair_by_place(
    before: Sequence[RoofFinding],
    after: Sequence[RoofFinding],
    of_old: list[int | None],
    of_new: list[int | None],
) -> None:
    rows = [i for i, one in enumerate(before) if of_old[i] is None and one.place is not None]
    columns = [j for j, one in enumerate(after) if of_new[j] is None and one.place is not None]
    if not (rows and columns):
        return
    anchor = before[rows[0]].place
    assert anchor is not None
    origin = LocalTangentPlane(anchor.latitude_deg, anchor.longitude_deg, 0.0)
    first = placed([before[i] for i in rows], origin)
    second = placed([after[j] for j in columns], origin)
    for a, b in paired(first, second, _SAME_PLACE):
        of_old[rows[a]], of_new[columns[b]] = columns[b], rows[a]


def _order(one: ReplayedFinding) -> tuple[int, int, int]:
    return (
        list(ReplayedKind).index(one.kind),
        one.old.number if one.old else 0,
        one.new.number if one.new else 0,
    )
