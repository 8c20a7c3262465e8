# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The objects of one flight, in its own metres: every sighting belongs to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.evidence import Evidence
from roof_detector.findings.frame_assignment import FrameProblem, assign_frame
from roof_detector.findings.frame_attitude import AttitudeErrors
from roof_detector.findings.frame_evidence import FrameEvidence
from roof_detector.findings.object_states import ObjectStates

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy.typing as npt

    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import FrameSightings, GroundView

TrackKey = tuple[str, int]

_LEAST_SHARE = 0.02  # of the information of a frame, however soon it follows the one before
_MARGIN_M = 3.0
_KEPT_SHARE = 0.9  # of the limit, when objects are dropped


class FlightRegister:
    """Objects found in the frames of one flight, which share one error of position.

    The same frames give the same objects. `states` and `evidence` have a row for each object that
    ever was; those merged into another or dropped are not alive. `changed` are the rows that the
    frames since the last summing up changed. With `reuses_rows` an object takes the row of one
    that was dropped, so that memory is bounded however many false detections come; a row is then
    no name of an object for ever.
    """

    def __init__(
        self,
        flight: str,
        *,
        class_count: int,
        curves: CurveTable,
        settings: RegisterSettings,
        apart: Collection[TrackKey] = (),
        reuses_rows: bool = False,
    ) -> None:
        self.flight = flight
        self.states = ObjectStates()
        self.evidence: list[Evidence | None] = []
        self.flight_covariance = np.zeros((2, 2))
        self.dropped = 0
        self.changed: set[int] = set()
        self.first_ns = self.last_ns = 0
        self._frames = 0
        self._class_count = class_count
        self._settings = settings
        self._apart = frozenset(apart)
        self._attitudes = AttitudeErrors(settings.attitude_period_s)
        self._told = FrameEvidence(
            flight, states=self.states, evidence=self.evidence, curves=curves, settings=settings
        )
        self._row_of_track: dict[TrackKey, int] = {}
        self._reuses_rows = reuses_rows
        self._free: list[int] = []
        self._alive = 0

    def add(self, sightings: FrameSightings, serial: int) -> npt.NDArray[np.intp]:
        """Add the frame of a serial number; return each sighting's row (n,), -1 without one.

        A sighting whose ray misses the ground has no row, nor has one without telemetry.
        """
        ground = sightings.ground
        found = np.full(len(sightings), -1, np.intp)
        if ground is None:
            return found
        stamp_ns = sightings.frame.stamp_ns
        self.first_ns = min(self.first_ns, stamp_ns) if self._frames else stamp_ns
        self.last_ns = max(self.last_ns, stamp_ns) if self._frames else stamp_ns
        self._frames += 1
        self.flight_covariance += (
            ground.flight_covariance - self.flight_covariance
        ) / self._frames
        chosen = np.flatnonzero(np.isfinite(ground.own_covariance[:, 0, 0]))
        rows = self._near(ground)
        problem = self._problem(sightings, chosen, rows)
        matched, attitude = assign_frame(
            problem, self.states, self._settings, class_count=self._class_count
        )
        self._attitudes.keep(sightings, attitude)
        known = np.flatnonzero(matched >= 0)
        self._correct(problem, known, matched[known], stamp_ns)
        for position in np.flatnonzero(matched < 0):
            matched[position] = self._begin(problem, int(position), sightings)
        found[chosen] = matched
        self.changed.update(matched.tolist())
        tracks = sightings.track_ids[chosen].tolist()
        for track, row in zip(tracks, matched.tolist(), strict=True):
            if track:
                self._row_of_track[sightings.frame.topic, track] = row
        self._told.add_sightings(problem, matched, sightings, serial)
        unseen = np.ones(self.states.count, np.bool_)
        unseen[matched] = False
        missed = self._told.add_misses(ground, rows[unseen[rows]])
        self.changed.update(missed.tolist())
        if self._alive > self._settings.most_objects:
            self._drop_weakest()
        return found

    def rows(self) -> npt.NDArray[np.intp]:
        """Return the rows of the objects that are alive."""
        return np.flatnonzero(self.states.alive[: self.states.count])

    def of_track(self, topic: str, track_id: int) -> int:
        """Return the row of a track of this flight, -1 where it has none."""
        row = self._row_of_track.get((topic, track_id), -1)
        return row if row >= 0 and self.states.alive[row] else -1

    def are_apart(self, first: Evidence, second: Evidence) -> bool:
        """Return whether a person split one of two objects from the other."""
        return self._apart & first.tracks != self._apart & second.tracks

    def drift_variance(self) -> float:
        """Return by how much the error of the position moved during the flight, in m^2."""
        duration_s = (self.last_ns - self.first_ns) / 1e9
        variance = float(np.trace(self.flight_covariance)) / 2
        return float(min(self._settings.walk_share**2 * duration_s / 2, 0.25)) * variance

    def add_unplaced(self, row: int, sightings: FrameSightings, index: int, serial: int) -> None:
        """Add a sighting without a place to the object whose track it continues."""
        evidence = self.evidence[row]
        assert evidence is not None
        self.changed.add(row)
        evidence.add_sighting(
            sightings.frame,
            serial=serial,
            class_id=int(sightings.class_ids[index]),
            confidence=float(sightings.confidences[index]),
            weight=0.5,
            track=(sightings.frame.topic, int(sightings.track_ids[index])),
        )

    def absorb(self, row: int, other: int) -> None:
        """Merge another object into one: they are the same."""
        kept, gone = self.evidence[row], self.evidence[other]
        assert kept is not None and gone is not None
        self.states.fuse(row, other)
        kept.absorb(gone)
        self.states.class_id[row] = kept.class_id
        self.evidence[other] = None
        self.changed.add(row)
        self._alive -= 1

    def _near(self, ground: GroundView) -> npt.NDArray[np.intp]:
        """Return the objects that lie within the view of a frame or beside it."""
        states, count = self.states, self.states.count
        if not len(ground.outline_en):
            return self.rows()
        low = ground.outline_en.min(axis=0) - _MARGIN_M
        high = ground.outline_en.max(axis=0) + _MARGIN_M
        boxes = states.box_en[:count]
        inside = (boxes[:, 2:] >= low).all(axis=1) & (boxes[:, :2] <= high).all(axis=1)
        return np.flatnonzero(states.alive[:count] & inside)

    def _problem(
        self,
        sightings: FrameSightings,
        chosen: npt.NDArray[np.intp],
        rows: npt.NDArray[np.intp],
    ) -> FrameProblem:
        ground = sightings.ground
        assert ground is not None
        attitude, doubted = self._attitudes.before(sightings, ground)
        half = ground.half_extent_en[chosen]
        centres = ground.positions_en[chosen]
        topic, tracks = sightings.frame.topic, sightings.track_ids[chosen].tolist()
        of_track = np.array(
            [self._row_of_track.get((topic, track), -1) if track else -1 for track in tracks],
            np.intp,
        )
        age_s = np.abs(sightings.frame.stamp_ns - self.states.last_ns[rows]) / 1e9
        variance = float(np.trace(ground.flight_covariance)) / 2
        return FrameProblem(
            view=ground,
            chosen=chosen,
            class_ids=sightings.class_ids[chosen],
            rows=rows,
            boxes_en=np.hstack([centres - half, centres + half]),
            tracked=of_track[:, None] == rows[None],
            forbidden=self._forbidden(topic, tracks, rows),
            attitude=attitude,
            doubted=doubted,
            walk_variance=np.minimum(self._settings.walk_share**2 * age_s, 0.5) * variance,
        )

    def _forbidden(
        self, topic: str, tracks: list[int], rows: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_]:
        """Return the pairs (n, m) that a person split."""
        forbidden = np.zeros((len(tracks), len(rows)), np.bool_)
        if self._apart:
            for column, row in enumerate(rows.tolist()):
                evidence = self.evidence[row]
                assert evidence is not None
                owned = self._apart & evidence.tracks
                for line, track in enumerate(tracks):
                    forbidden[line, column] = self._apart & {(topic, track)} != owned
        return forbidden

    def _correct(
        self,
        problem: FrameProblem,
        known: npt.NDArray[np.intp],
        rows: npt.NDArray[np.intp],
        stamp_ns: int,
    ) -> None:
        if not len(known):
            return
        view, states = problem.view, self.states
        positions = problem.chosen[known]
        # Until the error of the attitude is a new one, a frame repeats what the last one told.
        age_s = np.abs(stamp_ns - states.last_ns[rows]) / 1e9
        share = np.clip(age_s / self._settings.attitude_period_s, _LEAST_SHARE, 1.0)
        turned = view.turn_errors
        noise = (view.own_covariance + turned)[positions] / share[:, None, None]
        first_whole = ~view.cut[positions] & ~states.is_whole[rows]
        again = first_whole & (states.sightings[rows] > 0)
        kept = ~again
        states.correct(
            rows[kept],
            view.positions_en[positions[kept]],
            view.slopes[positions[kept]],
            noise[kept],
        )
        for position, row in zip(positions[again].tolist(), rows[again].tolist(), strict=True):
            # So far only pieces of it were seen: their centres are not its own.
            states.restart(
                row,
                view.positions_en[position],
                view.slopes[position],
                view.own_covariance[position] + turned[position],
                height_sigma_m=view.height_sigma_m,
            )

    def _begin(self, problem: FrameProblem, position: int, sightings: FrameSightings) -> int:
        view, index = problem.view, int(problem.chosen[position])
        row = self.states.add(
            view.positions_en[index],
            view.slopes[index],
            view.own_covariance[index] + view.turn_errors[index],
            height_sigma_m=view.height_sigma_m,
            row=self._free.pop() if self._free else None,
        )
        self.states.box_en[row] = problem.boxes_en[position]
        self.states.class_id[row] = sightings.class_ids[index]
        votes = np.zeros(self._class_count)
        evidence = Evidence(votes=votes, anchors=[(sightings.frame, index)], last=sightings.frame)
        if row < len(self.evidence):
            self.evidence[row] = evidence
        else:
            self.evidence.append(evidence)
        self._alive += 1
        return row

    def _drop_weakest(self) -> None:
        """Drop objects of fewest sightings, then of lowest confidence, to below the limit."""
        rows = self.rows()

        def strength(row: int) -> tuple[int, float, int]:
            evidence = self.evidence[row]
            assert evidence is not None
            return evidence.sightings, evidence.best_confidence, evidence.last.stamp_ns

        kept = int(_KEPT_SHARE * self._settings.most_objects)
        weakest = sorted(rows.tolist(), key=strength)[: len(rows) - kept]
        for row in weakest:
            evidence = self.evidence[row]
            assert evidence is not None
            for track in evidence.tracks:
                if self._row_of_track.get(track) == row:
                    del self._row_of_track[track]
            self.states.alive[row] = False
            self.evidence[row] = None
        if self._reuses_rows:
            self._free += weakest
        self._alive -= len(weakest)
        self.dropped += len(weakest)
