# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The register: sightings of any number of flights become findings, each object once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.duplicates import merge_duplicates
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.flight_register import FlightRegister
from roof_detector.findings.joined_flights import join_flights
from roof_detector.findings.object_size import size_of
from roof_detector.findings.placeless import PlacelessFindings
from roof_detector.findings.register_settings import RegisterSettings
from roof_detector.findings.roof_finding import FindingState, RoofFinding, finding_uuid
from roof_detector.findings.summing_up import places_of, state_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from roof_detector.findings.evidence import Evidence
    from roof_detector.findings.flight_register import TrackKey
    from roof_detector.findings.joined_flights import JoinedFlights
    from roof_detector.findings.roof_finding import FindingPlace
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

SightingKey = tuple[str, str, int]
"""What a sighting belongs to until the register is finished: flight, topic or '', row or track."""


@dataclass(frozen=True)
class FindingEvent:
    """Something that happened to a finding: what, to which one, and a sentence about it."""

    kind: str
    uuid: UUID
    sentence: str


@dataclass(frozen=True, kw_only=True)
class RegisterResult:
    """The findings in the order of their numbers, and the number of each key of a sighting."""

    findings: tuple[RoofFinding, ...]
    numbers: Mapping[SightingKey, int]
    events: tuple[FindingEvent, ...]
    notes: tuple[str, ...]


class Register:
    """Collects sightings frame by frame, and sums them up to findings.

    Positions of all frames are in metres of one `origin`, which a live inspection sets with its
    first position. The frames of a flight come in their
    order; the same frames give the same findings.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        origin: LocalTangentPlane | None,
        curves: DetectionCurves | None = None,
        settings: RegisterSettings | None = None,
        apart: Collection[tuple[str, TrackKey]] = (),
        reuses_rows: bool = False,
    ) -> None:
        if not class_names:
            msg = 'The register was given no class names; give those of the model that ran.'
            raise FindingsError(msg)
        self._class_names = tuple(class_names)
        self.origin = origin
        self._curves = (curves or DetectionCurves.shipped()).of(self._class_names)
        self._settings = settings or RegisterSettings()
        self._apart = tuple(apart)
        self._reuses_rows = reuses_rows
        self._flights: dict[str, FlightRegister] = {}
        self._placeless = PlacelessFindings(len(self._class_names))
        self._merged_into: dict[tuple[str, int], int] = {}
        self._placed_later: dict[SightingKey, tuple[str, int]] = {}
        self._summed: dict[SightingKey, RoofFinding] = {}
        self._serial = 0

    def add(self, sightings: FrameSightings) -> list[SightingKey]:
        """Add a frame; return what each sighting belongs to."""
        if len(sightings) and int(sightings.class_ids.max()) >= len(self._class_names):
            msg = (
                f'Frame {sightings.frame.name} holds class id {sightings.class_ids.max()}, but '
                f'there are only {len(self._class_names)} class names.'
            )
            raise FindingsError(msg)
        self._serial += 1
        self._placeless.count_frame(sightings)
        frame = sightings.frame
        flight = self._flights.get(frame.flight)
        rows = np.full(len(sightings), -1, np.intp)
        if sightings.ground is not None:
            if flight is None:
                flight = self._flights[frame.flight] = self._begin(frame.flight)
            rows = flight.add(sightings, self._serial)
        keys: list[SightingKey] = []
        for index, row in enumerate(rows.tolist()):
            if row < 0 and flight is not None and sightings.track_ids[index]:
                # A gap in the telemetry: the track tells which object it is.
                row = flight.of_track(frame.topic, int(sightings.track_ids[index]))  # noqa: PLW2901
                if row >= 0:
                    flight.add_unplaced(row, sightings, index, self._serial)
            if row >= 0:
                assert flight is not None
                self._place_earlier(sightings, index, flight, row)
                keys.append((frame.flight, '', row))
            else:
                flight_name, topic, track = self._placeless.add(sightings, index, self._serial)
                keys.append((flight_name, topic or '/', track))
        return keys

    def _place_earlier(
        self, sightings: FrameSightings, index: int, flight: FlightRegister, row: int
    ) -> None:
        """Give a track's sightings from before its first place to the object that it is."""
        frame, track = sightings.frame, int(sightings.track_ids[index])
        if not track:
            return
        earlier = self._placeless.take((frame.flight, frame.topic, track))
        evidence = flight.evidence[row]
        if earlier is None or evidence is None:
            return
        evidence.absorb(earlier)
        if not self._reuses_rows:  # nor does a live inspection ask for the keys of old frames
            self._placed_later[frame.flight, frame.topic or '/', track] = (frame.flight, row)

    def finish(self, *, known: Mapping[UUID, int] | None = None) -> RegisterResult:
        """Merge, join flights, and return the findings of the frames so far.

        After an inspection it is called once; a live one goes on with further frames and calls it
        again, with the numbers that findings have been given as `known`, and what has not changed
        is not summed up again.
        """
        flights = list(self._flights.values())
        notes = self._dropped_notes()
        for flight in flights:
            for kept, gone in merge_duplicates(flight):
                self._merged_into[flight.flight, gone] = kept
        joined = join_flights(flights, self._settings)
        findings = self._placed_findings(joined)
        for key, evidence in self._placeless.evidence.items():
            flight_name, topic, track = key
            own = (flight_name, topic or '/', track)
            finding = None if key in self._placeless.changed else self._summed.get(own)
            if finding is None:
                finding = self._finding(evidence, flights=(flight_name,))
                self._summed[own] = finding
            findings.append((finding, [own]))
        self._forget({key for _, keys in findings for key in keys})
        return self._numbered(findings, [*notes, *joined.notes], known or {})

    def _forget(self, there: set[SightingKey]) -> None:
        """Forget what was summed up of objects that are not there any more."""
        for flight in self._flights.values():
            flight.changed.clear()
        self._placeless.changed.clear()
        for key in self._summed.keys() - there:
            del self._summed[key]

    def _begin(self, flight: str) -> FlightRegister:
        return FlightRegister(
            flight,
            class_count=len(self._class_names),
            curves=self._curves,
            settings=self._settings,
            apart=[track for name, track in self._apart if name == flight],
            reuses_rows=self._reuses_rows,
        )

    def _placed_findings(
        self, joined: JoinedFlights
    ) -> list[tuple[RoofFinding, list[SightingKey]]]:
        """Return the findings with a place; what has not changed is not summed up again."""
        flights = list(self._flights.values())
        changed = flights[0].changed if len(flights) == 1 else None
        keys: list[list[SightingKey]] = [
            [(flights[number].flight, '', row) for number, row in one.members]
            for one in joined.objects
        ]
        again = [
            index
            for index, one in enumerate(joined.objects)
            if changed is None
            or one.members[0][1] in changed
            or keys[index][0] not in self._summed
        ]
        for index, place in zip(again, self._places(joined, again), strict=True):
            one = joined.objects[index]
            self._summed[keys[index][0]] = self._finding(
                one.evidence,
                flights=tuple(dict.fromkeys(flights[number].flight for number, _ in one.members)),
                place=place,
                size=size_of(one.sizes),
            )
        return [(self._summed[own[0]], own) for own in keys]

    def _places(self, joined: JoinedFlights, chosen: Sequence[int]) -> list[FindingPlace]:
        """Return the places of the objects of these positions, all at once."""
        if not chosen:
            return []
        assert self.origin is not None
        objects = [joined.objects[index] for index in chosen]
        none = np.zeros(2), np.zeros((2, 2))
        corrections = [joined.corrections.get(one.group, none) for one in objects]
        shifts = np.array([shift for shift, _ in corrections])
        errors = np.array([error for _, error in corrections])
        return places_of(
            np.array([one.position_en for one in objects]) - shifts,
            np.array([one.covariance for one in objects]) + errors,
            [one.height_m for one in objects],
            self.origin,
        )

    def _finding(
        self, evidence: Evidence, *, flights: tuple[str, ...], **known: object
    ) -> RoofFinding:
        existence = evidence.existence(self._curves, prior=self._settings.prior)
        probabilities = evidence.class_probabilities()
        assert evidence.best is not None
        own, *aliases = (finding_uuid(anchor) for anchor in evidence.anchors)
        return RoofFinding(
            number=0,
            uuid=own,
            class_name=self._class_names[evidence.class_id],
            class_probabilities={
                name: float(share)
                for name, share in zip(self._class_names, probabilities, strict=True)
                if share > 0.01
            },
            existence=existence,
            state=state_of(evidence, existence, self._settings),
            place=known.get('place'),  # type: ignore[arg-type]
            size=known.get('size'),  # type: ignore[arg-type]
            sightings=evidence.sightings,
            looks=evidence.independent_hits(),
            opportunities=evidence.frame_count(),
            first_seen_ns=evidence.first.stamp_ns,
            last_seen_ns=evidence.last.stamp_ns,
            flights=flights,
            tracks=tuple(f'{topic}#{track}' for topic, track in sorted(evidence.tracks)),
            best=evidence.best,
            aliases=tuple(aliases),
        )

    def _numbered(
        self,
        findings: list[tuple[RoofFinding, list[SightingKey]]],
        notes: list[str],
        known: Mapping[UUID, int],
    ) -> RegisterResult:
        """Give numbers, to confirmed findings first, in the order of their first sightings.

        A finding of which any part has a known number keeps the lowest one.
        """
        order = {state: index for index, state in enumerate(_ORDER)}
        findings = sorted(
            findings, key=lambda pair: (order[pair[0].state], pair[0].first_seen_ns, pair[0].uuid)
        )
        number = max(known.values(), default=0)
        numbers: dict[SightingKey, int] = {}
        numbered, events = [], []
        for finding, keys in findings:
            before = [known[one] for one in (finding.uuid, *finding.aliases) if one in known]
            number += not before
            own = min(before, default=number)
            if finding.number != own:
                self._summed[keys[0]] = RoofFinding(**{**finding.__dict__, 'number': own})
            numbered.append(self._summed[keys[0]])
            numbers |= dict.fromkeys(keys, own)
            if finding.state is FindingState.CONFIRMED:
                sentence = (
                    f'{finding.class_name} {own} exists with {finding.existence:.3f}, from '
                    f'{finding.sightings} sightings.'
                )
                events.append(FindingEvent('confirmed', finding.uuid, sentence))
            events += [
                FindingEvent('merged', finding.uuid, f'{alias} is part of finding {own}.')
                for alias in finding.aliases
            ]
        later: dict[SightingKey, tuple[str, int]] = dict(self._placed_later)
        for (flight, gone), kept in self._merged_into.items():
            later[flight, '', gone] = flight, kept
        for key, (flight, row) in later.items():
            while (flight, row) in self._merged_into:
                row = self._merged_into[flight, row]  # noqa: PLW2901
            if (flight, '', row) in numbers:
                numbers[key] = numbers[flight, '', row]
        if known:
            numbered.sort(key=lambda one: one.number)
        return RegisterResult(
            findings=tuple(numbered), numbers=numbers, events=tuple(events), notes=tuple(notes)
        )

    def _dropped_notes(self) -> list[str]:
        dropped = sum(flight.dropped for flight in self._flights.values())
        dropped += self._placeless.dropped
        if not dropped:
            return []
        return [
            f'{dropped} of the weakest objects were dropped, because there were more than '
            f'{self._settings.most_objects} at once: raise the minimum confidence of the detector.'
        ]


_ORDER = (
    FindingState.CONFIRMED,
    FindingState.TENTATIVE,
    FindingState.REJECTED,
    FindingState.GONE,
)
