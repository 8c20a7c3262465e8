# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What changed between two inspections of one roof, each change with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.change_sentences import change_sentence
from roof_detector.findings.detection_curves import DetectionCurves, seen_again
from roof_detector.findings.inspection_alignment import could_be_one, paired, placed, shift_between
from roof_detector.findings.roof_finding import FindingState, RoofFinding
from roof_detector.findings.size_changes import SizeAgreement
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.seen_frames import SeenFrame

_SURE = 0.95
_LOOK_HEIGHTS = 0.25
_LEAST_LOOKS = 2
_COARSER = 1.5  # times the resolution of the best image: in coarser ones it may not be seen


class ChangeKind(str, Enum):
    """What became of an object."""

    NEW = 'new'
    GROWN = 'grown'
    SHRUNK = 'shrunk'
    GONE = 'gone'
    UNCHANGED = 'unchanged'
    NOT_SEEN = 'not seen this time'
    NOT_SEEN_BEFORE = 'not seen before'
    DISPUTED = 'disputed'


_SIZE_CHANGES = {0: ChangeKind.UNCHANGED, 1: ChangeKind.GROWN, -1: ChangeKind.SHRUNK}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One object with what became of it and why; `old` or `new` is None where it has none."""

    kind: ChangeKind
    old: RoofFinding | None
    new: RoofFinding | None
    reason: str


@dataclass(frozen=True)
class Inspected:
    """An inspection as its store has it: findings, and the frames with their footprints."""

    findings: Sequence[RoofFinding]
    frames: Sequence[SeenFrame]

    def reported(self) -> list[RoofFinding]:
        """Return the confirmed findings with a place, inside the area."""
        return [
            one
            for one in self.findings
            if one.state is FindingState.CONFIRMED and one.place is not None and not one.is_outside
        ]

    def possible(self) -> list[RoofFinding]:
        """Return all findings with a place that nobody rejected."""
        return [
            one
            for one in self.findings
            if one.state is not FindingState.REJECTED and one.place is not None
        ]

    def refuted(self) -> list[RoofFinding]:
        """Return the findings with a place that a person rejected."""
        return [
            one
            for one in self.findings
            if one.state is FindingState.REJECTED and one.decided and one.place is not None
        ]


def changes(
    old: Inspected, new: Inspected, *, language: str = 'en'
) -> tuple[list[Change], list[str]]:
    """Compare two inspections; return a change for each object, and notes.

    Reasons and notes are in a language, en or zh.

    The new positions are shifted to agree with the old ones by what both saw. An object is gone
    only where the new flights looked at its place so often that they would have found it, and have
    nothing that it could be. What a person rejected in one inspection, and the other one has, is
    disputed.
    """
    before, after = old.possible(), new.possible()
    anchor = next((one.place for one in [*before, *after] if one.place is not None), None)
    if anchor is None:
        return [], [change_sentence(language, 'nothing')]
    origin = LocalTangentPlane(anchor.latitude_deg, anchor.longitude_deg, 0.0)
    first, second = placed(before, origin), placed(after, origin)
    shift, notes = shift_between(before, after, first, second, language=language)
    pairs = paired(first, second, shift)
    agreement = SizeAgreement.of((before[i], after[j]) for i, j in pairs)
    found = [_compared(before[i], after[j], agreement, language) for i, j in pairs]
    found = [one for one in found if _is_reported(one)]
    paired_old, paired_new = {i for i, _ in pairs}, {j for _, j in pairs}
    curves = DetectionCurves.shipped()
    doubtful_old, doubtful_new = could_be_one(first, second, shift, pairs)
    refuted_old, refuted_new = old.refuted(), new.refuted()
    refuted_now = dict(paired(first, placed(refuted_new, origin), shift))
    refuted_then = {j: i for i, j in paired(placed(refuted_old, origin), second, shift)}
    for i, one in enumerate(before):
        if i not in paired_old and one.state is FindingState.CONFIRMED and not one.is_outside:
            if i in refuted_now:
                found.append(_disputed(one, refuted_new[refuted_now[i]], language))
                continue
            if i in doubtful_old:
                found.append(_unmatched(old=one, language=language))
                continue
            looks = _looks(new.frames, one, first.positions_en[i] - shift.offset_en, origin)
            found.append(_missing(one, looks, _missed(one, looks, curves), language))
    for j, one in enumerate(after):
        if j not in paired_new and one.state is FindingState.CONFIRMED and not one.is_outside:
            if j in refuted_then:
                found.append(_disputed(refuted_old[refuted_then[j]], one, language))
                continue
            if j in doubtful_new:
                found.append(_unmatched(new=one, language=language))
                continue
            looks = _looks(old.frames, one, second.positions_en[j] + shift.offset_en, origin)
            found.append(_appeared(one, looks, _missed(one, looks, curves), language))
    return sorted(found, key=_order), notes


def counted(found: Sequence[Change]) -> dict[str, int]:
    """Return how many changes there are of each kind."""
    counts = Counter(one.kind for one in found)
    return {kind.value: counts[kind] for kind in ChangeKind if counts[kind]}


def _is_reported(change: Change) -> bool:
    ends = [one for one in (change.old, change.new) if one is not None]
    return any(one.state is FindingState.CONFIRMED for one in ends) and not any(
        one.is_outside for one in ends
    )


def _compared(
    old: RoofFinding, new: RoofFinding, agreement: SizeAgreement, language: str
) -> Change:
    if old.size is None or new.size is None:
        reason = change_sentence(language, 'size_unknown')
        return Change(kind=ChangeKind.UNCHANGED, old=old, new=new, reason=reason)
    if old.size.is_from_mask != new.size.is_from_mask:
        reason = change_sentence(language, 'size_kinds')
        return Change(kind=ChangeKind.UNCHANGED, old=old, new=new, reason=reason)
    sizes = agreement.sentence(old.size, new.size, language)
    kind = _SIZE_CHANGES[agreement.change(old.size, new.size)]
    return Change(kind=kind, old=old, new=new, reason=sizes)


def _looks(
    frames: Sequence[SeenFrame],
    finding: RoofFinding,
    place_en: npt.NDArray[np.float64],
    origin: LocalTangentPlane,
) -> int:
    """Return from how many independent directions frames saw a place well enough.

    Frames count that are not much coarser than the one that shows the finding best.
    """
    best = finding.best.metres_per_pixel
    coarsest = _COARSER * best if np.isfinite(best) else np.inf
    latitude, longitude, _ = origin.to_geodetic([*place_en, 0.0]).tolist()
    spot = shapely.Point(longitude, latitude)
    directions = set()
    for frame in frames:
        west, south, east, north = frame.bounds_deg
        if not (west <= longitude <= east and south <= latitude <= north):
            continue
        if frame.metres_per_pixel > coarsest:
            continue
        if shapely.Polygon(frame.footprint_deg).contains(spot):
            middle = ((south + north) / 2, (west + east) / 2, 0.0)
            away = origin.to_enu(middle)[:2] - place_en
            step = _LOOK_HEIGHTS * max(frame.height_m, 1.0)
            directions.add(tuple(np.floor(away / step).astype(int).tolist()))
    return len(directions)


def _missed(finding: RoofFinding, looks: int, curves: DetectionCurves) -> float:
    """Return the probability that looks all miss an object, by how often it is seen itself.

    An object that nearly every frame of one inspection detected is not missed by all of another.
    """
    resolution = finding.best.metres_per_pixel
    table = curves.of((finding.class_name,))
    detected, _ = table.at(0, resolution if np.isfinite(resolution) else 0.02)
    hit_share = min(finding.sightings / max(finding.opportunities, 1), 1.0)
    missed = finding.looks * (1 / max(hit_share, 0.1) - 1)
    before = seen_again(finding.looks, missed, detected)
    return float(np.exp(seen_again(finding.looks, missed + looks, detected) - before))


def _missing(finding: RoofFinding, looks: int, missed: float, language: str) -> Change:
    if missed < 1 - _SURE and looks >= _LEAST_LOOKS:
        reason = change_sentence(language, 'gone', looks=looks, missed=missed)
        return Change(kind=ChangeKind.GONE, old=finding, new=None, reason=reason)
    key = 'too_few_to_be_gone' if looks else 'not_looked_at'
    reason = change_sentence(language, key, looks=looks)
    return Change(kind=ChangeKind.NOT_SEEN, old=finding, new=None, reason=reason)


def _appeared(finding: RoofFinding, looks: int, missed: float, language: str) -> Change:
    if missed < 1 - _SURE and looks >= _LEAST_LOOKS:
        reason = change_sentence(language, 'new', looks=looks)
        return Change(kind=ChangeKind.NEW, old=None, new=finding, reason=reason)
    reason = change_sentence(language, 'too_few_to_be_new', looks=looks)
    return Change(kind=ChangeKind.NOT_SEEN_BEFORE, old=None, new=finding, reason=reason)


def _unmatched(
    *, old: RoofFinding | None = None, new: RoofFinding | None = None, language: str
) -> Change:
    """Return what is said of an object that could be one of those of the other inspection."""
    reason = change_sentence(language, 'unmatched_now' if old else 'unmatched_then')
    kind = ChangeKind.NOT_SEEN if old else ChangeKind.NOT_SEEN_BEFORE
    return Change(kind=kind, old=old, new=new, reason=reason)


def _disputed(old: RoofFinding, new: RoofFinding, language: str) -> Change:
    is_new = new.decided and new.state is FindingState.REJECTED
    key, number = ('rejected_now', new.number) if is_new else ('rejected_then', old.number)
    reason = change_sentence(language, key, number=number)
    return Change(kind=ChangeKind.DISPUTED, old=old, new=new, reason=reason)


def _order(change: Change) -> tuple[int, int]:
    finding = change.new or change.old
    assert finding is not None
    return list(ChangeKind).index(change.kind), finding.number
