# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The findings of a flight while it lasts, by the classes that inspect recordings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from roof_detector.findings.flight_segments import OriginCheck
from roof_detector.findings.ground_view import frame_sightings
from roof_detector.findings.register import Register
from roof_detector.findings.roof_finding import FindingState, RoofFinding
from roof_detector.findings.sightings import FrameReference
from roof_detector.findings.tracked_stream import TrackedStream, part_name
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import numpy.typing as npt

    from roof_detector.findings.detection_curves import DetectionCurves
    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.findings.register import RegisterResult, SightingKey
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.vision.detections import Detections

LIVE_SOURCE = 'live'
"""The source of frames that came from a camera in flight, not from a file."""
# A finding that was reported stays so until it is less likely than not: no event at each frame.
_KEPT_ABOVE = 0.5
# Stamps vary: a frame that comes a little earlier than its turn is taken.
_EARLIEST = 0.9

EventKind = Literal['confirmed', 'withdrawn', 'rejected', 'merged']


@dataclass(frozen=True, eq=False, kw_only=True)
class LiveFrame:
    """The detections of one image: of which topic, at which stamp, and the image's size."""

    topic: str
    stamp_ns: int
    size_wh: tuple[int, int]
    detections: Detections


@dataclass(frozen=True, kw_only=True)
class LiveEvent:
    """What happened to a reported finding; `into` is the number that it was merged into."""

    kind: EventKind
    finding: RoofFinding
    into: int = 0


@dataclass(frozen=True, kw_only=True)
class LiveUpdate:
    """The reported findings, those that changed since the last update, and what happened.

    `withdrawn` are numbers that are reported no more; `tentative` counts objects that are not
    sure yet, `outside` those outside the area.
    """

    findings: tuple[RoofFinding, ...] = ()
    changed: tuple[RoofFinding, ...] = ()
    withdrawn: tuple[int, ...] = ()
    events: tuple[LiveEvent, ...] = ()
    tentative: int = 0
    outside: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PlacedFrame:
    """A frame with its sightings, and the label of each for people.

    A label is the number of the finding, `t` and the number of the track, or empty. Where it is
    not `is_registered` its detections were tracked alone, and have no places.
    """

    sightings: FrameSightings
    labels: Sequence[str]
    is_registered: bool


@dataclass(kw_only=True)
class LiveInspection:
    """Collects the frames of all cameras, and sums them up now and then; for one thread.

    Findings get their numbers when they are confirmed, and keep them. Every frame is tracked; at
    most `rate_hz` of a camera are registered, 0 for all: frames that follow sooner repeat each
    other's errors, so they tell hardly more and cost the same. `network_px` is the side of the
    network's input, to which it reduces larger images; 0 where it sees them as they are.
    """

    class_names: tuple[str, ...]
    flight: str
    source: str
    area: InspectionArea | None = None
    curves: DetectionCurves | None = None
    settings: RegisterSettings | None = None
    rate_hz: float = 0.0
    network_px: int = 0
    frames: int = 0
    origins: int = 1
    """How many origins the flight had so far, each in an inspection of its own."""

    def __post_init__(self) -> None:
        self._register = Register(
            self.class_names,
            origin=None,
            curves=self.curves,
            settings=self.settings,
            reuses_rows=True,
        )
        self._streams: dict[str, TrackedStream] = {}
        self._numbers: dict[UUID, int] = {}
        self._reported: dict[int, RoofFinding] = {}
        self._labels: dict[SightingKey, str] = {}
        self._registered_ns: dict[str, int] = {}
        self._keys: dict[str, dict[int, SightingKey]] = {}
        self._origin_check = OriginCheck()

    @property
    def origin(self) -> LocalTangentPlane | None:
        """Return the place on Earth that positions count from, None before the first one."""
        return self._register.origin

    def begin_at(self, fix: CameraFix, place: tuple[float, float, float] | None) -> None:
        """Let positions count from the origin of the map, in which a camera is at a `place`.

        Without a place the origin is below the camera.
        """
        below = LocalTangentPlane(
            fix.latitude_deg, fix.longitude_deg, fix.altitude_m - fix.height_m
        )
        if place is not None:
            latitude, longitude, _ = below.to_geodetic(np.array([-place[0], -place[1], 0.0]))
            below = LocalTangentPlane(float(latitude), float(longitude), below.altitude_m)
        self._register.origin = below

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the flight is elsewhere than its origin (see OriginCheck)."""
        return self._origin_check.is_elsewhere

    @property
    def near_fixes(self) -> int:
        """Return how many frames its origin placed, those at the beginning of it included."""
        return self._origin_check.near

    def begun_again(self) -> LiveInspection:
        """Return an inspection without frames and origin, which goes on with the numbers.

        What this one reported is withdrawn at its first update; `finish` of this one has it.
        """
        origins = self.origins + 1
        name = self.flight.removesuffix(_origin_suffix(self.origins))
        again = replace(self, flight=name + _origin_suffix(origins), origins=origins)
        again._numbers, again._reported = dict(self._numbers), dict(self._reported)
        again._origin_check = OriginCheck(self._origin_check.far)
        return again

    def is_registered(self, topic: str, stamp_ns: int) -> bool:
        """Return whether a frame of this stamp will be registered, and so needs its fix."""
        last_ns = self._registered_ns.get(topic)
        if last_ns is None or not self.rate_hz:
            return True
        return not 0 <= stamp_ns - last_ns < _EARLIEST / self.rate_hz * 1e9

    def add(self, frame: LiveFrame, fix: CameraFix | None) -> PlacedFrame:
        """Add the next frame of a topic, with its fix where one is known.

        A fix that jumps, or is far from all others, gives no place.
        """
        stream = self._streams.setdefault(frame.topic, TrackedStream())
        if not self.is_registered(frame.topic, frame.stamp_ns):
            return self._tracked(frame, stream)
        self._registered_ns[frame.topic] = frame.stamp_ns
        part = 0
        if fix is not None and self.origin is not None:
            found = stream.part_of(fix, self.origin)
            if found == 1 and stream.segments is not None and stream.segments.began_wrong:
                self._origin_check.leave(streams=len(self._streams))
            else:
                self._origin_check.add(fix, self.origin, is_placed=found is not None)
            if found is None or self.is_elsewhere:
                fix = None
            else:
                part = found
        tracks = stream.track(frame.detections, stamp_ns=frame.stamp_ns, fix=fix)
        self.frames += 1
        sightings = self._sightings(frame, tracks, part=part, fix=fix)
        keys = self._register.add(sightings)
        pairs = list(zip(tracks.tolist(), keys, strict=True))
        self._keys[frame.topic] = {track: key for track, key in pairs if track}
        labels = [self._label(key, track) for track, key in pairs]
        return PlacedFrame(sightings, labels, is_registered=True)

    def _tracked(self, frame: LiveFrame, stream: TrackedStream) -> PlacedFrame:
        """Track the detections of a frame between two that are registered."""
        tracks = stream.track(frame.detections, stamp_ns=frame.stamp_ns, fix=None)
        self.frames += 1
        keys = self._keys.get(frame.topic, {})
        labels = [self._label(keys.get(track), track) for track in tracks.tolist()]
        sightings = self._sightings(frame, tracks, part=0, fix=None)
        return PlacedFrame(sightings, labels, is_registered=False)

    def _label(self, key: SightingKey | None, track: int) -> str:
        number = '' if key is None else self._labels.get(key, '')
        return number or (f't{track}' if track else '')

    def _sightings(
        self,
        frame: LiveFrame,
        tracks: npt.NDArray[np.int64],
        *,
        part: int,
        fix: CameraFix | None,
    ) -> FrameSightings:
        return frame_sightings(
            FrameReference(
                flight=part_name(self.flight, part),
                source=self.source,
                topic=frame.topic,
                index=self.frames - 1,
                name=f'{frame.stamp_ns}',
                stamp_ns=frame.stamp_ns,
            ),
            frame.detections,
            size_wh=frame.size_wh,
            track_ids=tracks,
            fix=fix,
            origin=self.origin,
            reduction=self._reduction(frame.size_wh),
        )

    def _reduction(self, size_wh: tuple[int, int]) -> float:
        """Return how many pixels of an image are one of the network's input."""
        return max(max(size_wh) / self.network_px, 1.0) if self.network_px else 1.0

    def update(self) -> LiveUpdate:
        """Sum up what has changed, and return what is reported now."""
        result = self._register.finish(known=self._numbers)
        before, now, outside = self._reported, {}, 0
        tentative = 0
        for finding in result.findings:
            if not self._is_sure(finding):
                tentative += finding.state is FindingState.TENTATIVE
                continue
            if self.area is not None and self.area.mark([finding])[0].is_outside:
                outside += 1
                continue
            now[finding.number] = finding
            # Merged ones keep pointing to the lowest number of all.
            for identity in (finding.uuid, *finding.aliases):
                self._numbers.setdefault(identity, finding.number)
        events = [*self._gone(before, now, result), *_new(before, now)]
        self._reported = now
        self._labels = {
            key: str(number) for key, number in result.numbers.items() if number in now
        }
        return LiveUpdate(
            findings=tuple(now.values()),
            changed=tuple(one for number, one in now.items() if one != before.get(number)),
            withdrawn=tuple(number for number in before if number not in now),
            events=tuple(events),
            tentative=tentative,
            outside=outside,
            notes=result.notes,
        )

    def finish(self) -> RegisterResult:
        """Return all findings at the end, the reported ones with the numbers that they had."""
        result = self._register.finish(known=self._numbers)
        if self.area is None:
            return result
        return replace(result, findings=self.area.mark(result.findings))

    def _is_sure(self, finding: RoofFinding) -> bool:
        if finding.state is FindingState.CONFIRMED:
            return True
        is_kept = finding.number in self._reported and finding.existence >= _KEPT_ABOVE
        return is_kept and finding.state is FindingState.TENTATIVE

    def _gone(
        self,
        before: Mapping[int, RoofFinding],
        now: Mapping[int, RoofFinding],
        result: RegisterResult,
    ) -> list[LiveEvent]:
        """Return what became of the findings that are not reported any more."""
        missing = {number: one for number, one in before.items() if number not in now}
        if not missing:
            return []
        events = []
        known = {one.number: one for one in result.findings}
        part_of = {alias: one for one in result.findings for alias in one.aliases}
        for number, finding in missing.items():
            whole = part_of.get(finding.uuid)
            if whole is not None and whole.number != number:
                events.append(LiveEvent(kind='merged', finding=finding, into=whole.number))
                continue
            latest = known.get(number, finding)
            kind: EventKind = 'rejected' if latest.state is FindingState.REJECTED else 'withdrawn'
            events.append(LiveEvent(kind=kind, finding=latest))
        return events


def _origin_suffix(origins: int) -> str:
    """Return what tells the names of a flight's inspections apart."""
    return f' origin {origins}' if origins > 1 else ''


def _new(before: Mapping[int, RoofFinding], now: Mapping[int, RoofFinding]) -> list[LiveEvent]:
    return [
        LiveEvent(kind='confirmed', finding=finding)
        for number, finding in now.items()
        if number not in before
    ]
