# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decisions of people about findings: facts that every rerun keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.roof_finding import FindingState, RoofFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from roof_detector.findings.flight_register import TrackKey
    from roof_detector.findings.register import SightingKey

_LONGEST_TEXT = 2000
_NEAR_M = 0.5
_METRES_PER_DEG = 111_195.0


class DecisionKind(str, Enum):
    """What a person decided of a finding."""

    CONFIRM = 'confirm'
    REJECT = 'reject'
    RENAME = 'rename'
    MERGE = 'merge'
    SPLIT = 'split'
    NOTE = 'note'


_WITH_VALUE = {
    DecisionKind.RENAME: 'the name of the class',
    DecisionKind.MERGE: 'the UUID of the finding that it is part of',
    DecisionKind.SPLIT: 'the track that is an object of its own, as FLIGHT|TOPIC#NUMBER',
    DecisionKind.NOTE: 'the text',
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision: what, about which finding, by whom and when (ISO 8601 in UTC).

    `class_name` and `place_deg`, latitude and longitude, are those of the finding at that time:
    by them it is found again where another model or more flights gave it another identity.
    """

    kind: DecisionKind
    uuid: UUID
    who: str
    made_at: str
    value: str = ''
    class_name: str = ''
    place_deg: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.who.strip():
            msg = 'A decision without a name is nobody\'s; say who decides, such as --who "A. B.".'
            raise FindingsError(msg)
        if self.kind in _WITH_VALUE and not self.value.strip():
            msg = f'The decision {self.kind.value} needs {_WITH_VALUE[self.kind]}.'
            raise FindingsError(msg)
        if len(self.value) > _LONGEST_TEXT:
            msg = (
                f'The text of a decision has {len(self.value)} characters, expected at most '
                f'{_LONGEST_TEXT}.'
            )
            raise FindingsError(msg)
        if self.kind is DecisionKind.MERGE:
            try:
                UUID(self.value)
            except ValueError:
                msg = f'{self.value!r} is no UUID of a finding; take it from the table.'
                raise FindingsError(msg) from None
        if self.kind is DecisionKind.SPLIT:
            split_track(self.value)


def split_track(value: str) -> tuple[str, TrackKey]:
    """Return flight, topic and number of the track that a decision splits off."""
    flight, bar, track = value.rpartition('|')
    topic, hash_mark, number = track.rpartition('#')
    if not (bar and hash_mark and number.isdecimal()):
        msg = f'{value!r} is no track, expected FLIGHT|TOPIC#NUMBER such as flight1|/camera#7.'
        raise FindingsError(msg)
    return flight, (topic, int(number))


def tracks_apart(decisions: Iterable[Decision]) -> list[tuple[str, TrackKey]]:
    """Return the tracks that people split off, for the register."""
    return [split_track(one.value) for one in decisions if one.kind is DecisionKind.SPLIT]


@dataclass(frozen=True)
class DecidedFindings:
    """Findings after the decisions, the number of each sighting's key, and what to report."""

    findings: tuple[RoofFinding, ...]
    numbers: Mapping[SightingKey, int]
    notes: tuple[str, ...]


def apply_decisions(
    findings: Sequence[RoofFinding],
    numbers: Mapping[SightingKey, int],
    decisions: Sequence[Decision],
) -> DecidedFindings:
    """Apply decisions in their order; the later one of two that contradict each other counts.

    A decision is about the finding of its UUID, or of one that was merged into it; else about the
    nearest of its class within the 95 % radius. One whose finding is not found again stays in the
    store and is noted.
    """
    known = {one.uuid: one for one in findings}
    merged: dict[int, int] = {}
    lost = 0
    for decision in decisions:
        if decision.kind is DecisionKind.SPLIT:
            continue  # the register kept the track apart
        target = _target(known.values(), decision)
        if target is None:
            lost += 1
            continue
        if decision.kind is DecisionKind.MERGE:
            whole = _of_uuid(known.values(), UUID(decision.value))
            if whole is None or whole.uuid == target.uuid:
                lost += whole is None
                continue
            known[whole.uuid] = _merged(whole, target)
            del known[target.uuid]
            merged[target.number] = whole.number
            continue
        known[target.uuid] = _decided(target, decision)
    notes = (
        [
            f'{lost} decisions are about findings that these inputs do not give; they are kept '
            'for when they do.'
        ]
        if lost
        else []
    )
    kept = tuple(sorted(known.values(), key=lambda one: one.number))
    moved = {key: _followed(number, merged) for key, number in numbers.items()}
    return DecidedFindings(kept, moved, tuple(notes))


def _followed(number: int, merged: Mapping[int, int]) -> int:
    while number in merged:
        number = merged[number]
    return number


def _of_uuid(findings: Iterable[RoofFinding], uuid: UUID) -> RoofFinding | None:
    return next((one for one in findings if uuid == one.uuid or uuid in one.aliases), None)


def _target(findings: Iterable[RoofFinding], decision: Decision) -> RoofFinding | None:
    found = list(findings)
    own = _of_uuid(found, decision.uuid)
    if own is not None or decision.place_deg is None:
        return own
    latitude, longitude = decision.place_deg
    near: list[tuple[float, int, RoofFinding]] = []
    for one in found:
        if one.place is None or one.class_name != decision.class_name:
            continue
        north = (one.place.latitude_deg - latitude) * _METRES_PER_DEG
        east = (one.place.longitude_deg - longitude) * _METRES_PER_DEG
        distance = math.hypot(east * math.cos(math.radians(latitude)), north)
        if distance <= max(one.place.radius95_m, _NEAR_M):
            near.append((distance, one.number, one))
    return min(near)[2] if near else None


def _decided(finding: RoofFinding, decision: Decision) -> RoofFinding:
    if decision.kind is DecisionKind.CONFIRM:
        return replace(finding, state=FindingState.CONFIRMED, decided=True)
    if decision.kind is DecisionKind.REJECT:
        return replace(finding, state=FindingState.REJECTED, decided=True)
    if decision.kind is DecisionKind.RENAME:
        return replace(
            finding, class_name=decision.value, class_probabilities={decision.value: 1.0}
        )
    note = f'{finding.note}\n{decision.value}' if finding.note else decision.value
    return replace(finding, note=note)


def _merged(whole: RoofFinding, part: RoofFinding) -> RoofFinding:
    """Return a finding with the sightings of another, which a person took for a part of it."""
    better = part.best if part.best.quality > whole.best.quality else whole.best
    return replace(
        whole,
        existence=max(whole.existence, part.existence),
        sightings=whole.sightings + part.sightings,
        looks=max(whole.looks, part.looks),
        opportunities=max(whole.opportunities, part.opportunities),
        first_seen_ns=min(whole.first_seen_ns, part.first_seen_ns),
        last_seen_ns=max(whole.last_seen_ns, part.last_seen_ns),
        flights=tuple(dict.fromkeys((*whole.flights, *part.flights))),
        tracks=tuple(dict.fromkeys((*whole.tracks, *part.tracks))),
        best=better,
        aliases=(*whole.aliases, part.uuid, *part.aliases),
    )
