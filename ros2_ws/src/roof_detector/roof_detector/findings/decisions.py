# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Decisions of people about findings: facts that every rerun keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
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
    SEVERITY = 'severity'
    UNDO = 'undo'


_WITH_VALUE = {
    DecisionKind.RENAME: 'the name of the class',
    DecisionKind.MERGE: 'the UUID of the finding that it is part of',
    DecisionKind.SPLIT: 'the track that is an object of its own, as FLIGHT|TOPIC#NUMBER',
    DecisionKind.NOTE: 'the text',
    DecisionKind.SEVERITY: 'low, medium or high',
    DecisionKind.UNDO: 'the serial number of the decision that is taken back',
}
SEVERITIES = ('low', 'medium', 'high')


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision: what, about which finding, by whom and when (ISO 8601 in UTC).

    `class_name` and `place_deg`, latitude and longitude, are those of the finding at that time:
    by them it is found again where another model or more flights gave it another identity.
    `serial` is the number that the store gave it, 0 before. Decisions of one act, such as that all
    of a class are confirmed, have the same `who` and `made_at`.
    """

    kind: DecisionKind
    uuid: UUID
    who: str
    made_at: str
    value: str = ''
    class_name: str = ''
    place_deg: tuple[float, float] | None = None
    serial: int = 0

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
        if self.kind is DecisionKind.SEVERITY and self.value not in SEVERITIES:
            msg = f'The severity is {self.value!r}, expected {", ".join(SEVERITIES)}.'
            raise FindingsError(msg)
        if self.kind is DecisionKind.UNDO and not self.value.isdecimal():
            msg = f'{self.value!r} is no serial number of a decision to take back.'
            raise FindingsError(msg)

    @property
    def act(self) -> tuple[str, str]:
        """Return what all decisions of one act share."""
        return self.who, self.made_at


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the decisions that nobody took back, in their order; without those that take back."""
    listed = list(decisions)
    undone: set[int] = set()
    # A later one is never taken back by an earlier one, so each is settled before it is needed.
    for decision in reversed(listed):
        if decision.kind is DecisionKind.UNDO and decision.serial not in undone:
            undone.add(int(decision.value))
    return [
        one for one in listed if one.kind is not DecisionKind.UNDO and one.serial not in undone
    ]


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
    return [
        split_track(one.value) for one in standing(decisions) if one.kind is DecisionKind.SPLIT
    ]


@dataclass(frozen=True)
class DecidedFindings:
    """Findings after the decisions, and the number of each sighting's key.

    `lost` counts the decisions about findings that are not there; `merged` maps the number of a
    finding that is a part of another one to the number of that one.
    """

    findings: tuple[RoofFinding, ...]
    numbers: Mapping[SightingKey, int]
    lost: int
    merged: Mapping[int, int] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what to report of the decisions."""
        if not self.lost:
            return ()
        return (
            f'{self.lost} decisions are about findings that these inputs do not give; they are '
            'kept for when they do.',
        )


def apply_decisions(
    findings: Sequence[RoofFinding],
    numbers: Mapping[SightingKey, int],
    decisions: Sequence[Decision],
) -> DecidedFindings:
    """Apply decisions in their order; the later one of two that contradict each other counts.

    One that was taken back does not count. A decision is about the finding of its UUID, or of one
    that was merged into it; else about the nearest of its class within the 95 % radius. One whose
    finding is not found again stays in the store and is noted.
    """
    known = _KnownFindings(findings)
    merged: dict[int, int] = {}
    lost = 0
    for decision in standing(decisions):
        if decision.kind is DecisionKind.SPLIT:
            continue  # the register kept the track apart
        target = known.about(decision)
        if target is None:
            lost += 1
            continue
        if decision.kind is DecisionKind.MERGE:
            whole = known.of_uuid(UUID(decision.value))
            if whole is None or whole.uuid == target.uuid:
                lost += whole is None
                continue
            known.merge(whole, target)
            merged[target.number] = whole.number
            continue
        known.put(_decided(target, decision))
    followed = {number: _followed(number, merged) for number in merged}
    moved = {key: followed.get(number, number) for key, number in numbers.items()}
    return DecidedFindings(known.findings(), moved, lost, followed)


def _followed(number: int, merged: Mapping[int, int]) -> int:
    while number in merged:
        number = merged[number]
    return number


class _KnownFindings:
    """Findings by their identity, or that of one which was merged into them."""

    def __init__(self, findings: Iterable[RoofFinding]) -> None:
        self._findings: dict[UUID, RoofFinding] = {}
        self._wholes: dict[UUID, UUID] = {}
        for one in findings:
            self.put(one)

    def findings(self) -> tuple[RoofFinding, ...]:
        """Return them in the order of their numbers."""
        return tuple(sorted(self._findings.values(), key=lambda one: one.number))

    def put(self, finding: RoofFinding) -> None:
        """Add a finding, or replace the one of its identity."""
        self._findings[finding.uuid] = finding
        self._wholes |= dict.fromkeys(finding.aliases, finding.uuid)

    def merge(self, whole: RoofFinding, part: RoofFinding) -> None:
        """Make one of two."""
        del self._findings[part.uuid]
        self.put(_merged(whole, part))

    def of_uuid(self, uuid: UUID) -> RoofFinding | None:
        """Return the finding of an identity."""
        return self._findings.get(uuid) or self._findings.get(self._wholes.get(uuid, uuid))

    def about(self, decision: Decision) -> RoofFinding | None:
        """Return the finding that a decision is about."""
        own = self.of_uuid(decision.uuid)
        if own is not None or decision.place_deg is None:
            return own
        latitude, longitude = decision.place_deg
        near: list[tuple[float, int, RoofFinding]] = []
        for one in self._findings.values():
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
    if decision.kind is DecisionKind.SEVERITY:
        return replace(finding, severity=decision.value)
    if f'\n{decision.value}\n' in f'\n{finding.note}\n':
        return finding  # a store of the first schema holds what a run made of its decisions
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
