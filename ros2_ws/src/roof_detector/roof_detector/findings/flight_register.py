# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The objects of one flight, in its own metres: every sighting belongs to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.evidence import BestImage, Evidence, SizeSample
from roof_detector.findings.frame_assignment import AttitudeError, FrameProblem, assign_frame
from roof_detector.findings.object_states import ObjectStates, union

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy.typing as npt

    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import FrameSightings, GroundView

TrackKey = tuple[str, int]

_LEAST_SHARE = 0.02  # of the information of a frame, however soon it follows the one before
_MARGIN_M = 3.0
_LEAST_TURN = 1e-4  # radians and metres: nothing is known better
_DOUBT_NS = 1_000_000_000  # how often it is looked at whether all are one object off
_LEVEL_KEPT = 0.999  # of the error of the height, from frame to frame
_KEPT_SHARE = 0.9  # of the limit, when objects are dropped


class FlightRegister:
    """Objects found in the frames of one flight, which share one error of position.

    The same frames give the same objects. `states` and `evidence` have a row for each object that
    ever was; those merged into another or dropped are not alive. `changed` are the rows that the
    frames since the last summing up changed.
    """

    def __init__(
        self,
        flight: str,
        *,
        class_count: int,
        curves: CurveTable,
        settings: RegisterSettings,
        apart: Collection[TrackKey] = (),
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
        self._curves = curves
        self._settings = settings
        self._apart = frozenset(apart)
        self._attitudes: dict[str, tuple[int, AttitudeError]] = {}
        self._doubted_ns: dict[str, int] = {}
        self._row_of_track: dict[TrackKey, int] = {}
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
        self._attitudes[sightings.frame.topic] = stamp_ns, attitude
        known = np.flatnonzero(matched >= 0)
        self._correct(problem, known, matched[known], stamp_ns)
        for position in np.flatnonzero(matched < 0):
            matched[position] = self._begin(problem, int(position), sightings)
        found[chosen] = matched
        self.changed.update(matched.tolist())
        for position, row in enumerate(matched.tolist()):
            self._witness(problem, position, row, sightings, serial)
        self._count_misses(ground, np.setdiff1d(rows, matched))
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
            serial,
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
        attitude, doubted = self._attitude(sightings, ground)
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

    def _attitude(
        self, sightings: FrameSightings, ground: GroundView
    ) -> tuple[AttitudeError, AttitudeError | None]:
        """Return the error of a frame's attitude before its sightings are looked at.

        It goes on from the camera's last frame, of which a part lasts and the rest fades. The
        second value is that without the frames before, once a second.
        """
        whole = np.zeros((4, 4))
        whole[:3, :3] = ground.turn_covariance + _LEAST_TURN**2 * np.eye(3)
        whole[3, 3] = ground.level_sigma_m**2 + _LEAST_TURN**2
        stamp_ns, before = self._attitudes.get(sightings.frame.topic, (0, None))
        if before is None:
            return AttitudeError(np.zeros(4), whole), None
        age_s = abs(sightings.frame.stamp_ns - stamp_ns) / 1e9
        kept = np.full(4, 0.5 + 0.5 * np.exp(-age_s / self._settings.attitude_period_s))
        kept[3] = _LEVEL_KEPT
        faded = np.outer(kept, kept)
        known = AttitudeError(kept * before.turn, faded * before.covariance + (1 - faded) * whole)
        doubted_ns = self._doubted_ns.get(sightings.frame.topic, 0)
        if abs(sightings.frame.stamp_ns - doubted_ns) < _DOUBT_NS:
            return known, None
        self._doubted_ns[sightings.frame.topic] = sightings.frame.stamp_ns
        return known, AttitudeError(np.zeros(4), whole)

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
        turned = view.turned(view.turn_covariance)
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
            view.own_covariance[index] + view.turned(view.turn_covariance)[index],
            height_sigma_m=view.height_sigma_m,
        )
        self.states.box_en[row] = problem.boxes_en[position]
        self.states.class_id[row] = sightings.class_ids[index]
        votes = np.zeros(self._class_count)
        self.evidence.append(
            Evidence(votes=votes, anchors=[(sightings.frame, index)], last=sightings.frame)
        )
        self._alive += 1
        return row

    def _witness(
        self,
        problem: FrameProblem,
        position: int,
        row: int,
        sightings: FrameSightings,
        serial: int,
    ) -> None:
        """Add a sighting to the evidence of its object."""
        view, index, states = problem.view, int(problem.chosen[position]), self.states
        evidence = self.evidence[row]
        assert evidence is not None
        class_id = int(sightings.class_ids[index])
        confidence = float(sightings.confidences[index])
        resolution = float(view.metres_per_pixel[index])
        track_id = int(sightings.track_ids[index])
        track = (sightings.frame.topic, track_id) if track_id else None
        detected, _ = self._curves.at(class_id, resolution)
        cut = bool(view.cut[index])
        evidence.add_sighting(
            sightings.frame,
            serial,
            class_id=class_id,
            confidence=confidence,
            weight=detected * (0.5 if cut else 1.0),
            track=track,
        )
        if track is not None:
            self._row_of_track[track] = row
        states.class_id[row] = evidence.class_id
        states.last_ns[row] = sightings.frame.stamp_ns
        states.sightings[row] += 1
        if self._shown(view, np.array([row]))[0][0] or not evidence.looks:
            evidence.add_look(self._look(view, row), hit=True, metres_per_pixel=resolution)
        slope = view.slopes[index]
        # From the side the walls of what stands there count as well.
        quality = (0.1 if cut else 1.0) / (resolution * (1 + 4 * float(slope @ slope)))
        if evidence.best is None or confidence * quality > evidence.best.quality:
            left, top, right, bottom = sightings.boxes_xyxy[index].tolist()
            box = (left, top, right, bottom)
            evidence.consider_best(
                BestImage(
                    frame=sightings.frame,
                    detection=index,
                    box_xyxy=box,
                    confidence=confidence,
                    metres_per_pixel=resolution,
                    quality=confidence * quality,
                )
            )
        self._measure(problem, position, row, evidence, quality)

    def _measure(
        self, problem: FrameProblem, position: int, row: int, evidence: Evidence, quality: float
    ) -> None:
        view, index, states = problem.view, int(problem.chosen[position]), self.states
        box = problem.boxes_en[position]
        sides = view.sides_m[index]
        if view.cut[index]:
            if not states.is_whole[row]:
                states.box_en[row] = union(states.box_en[row], box)
            return
        log_size = float(np.log(np.maximum(sides, 1e-3)).mean())
        if states.is_whole[row]:
            states.log_size[row] += (log_size - states.log_size[row]) / 4
        else:
            states.log_size[row], states.is_whole[row] = log_size, True
        states.box_en[row] = box
        evidence.add_size(
            SizeSample(
                quality=quality,
                sides_m=(float(sides.max()), float(sides.min())),
                area_m2=float(view.areas_m2[index]),
                metres_per_pixel=float(view.metres_per_pixel[index]),
                height_m=view.height_m,
            )
        )

    def _look(self, view: GroundView, row: int) -> tuple[str, int, int]:
        """Return the direction from which a frame sees an object, in steps of the settings."""
        step = self._settings.look_heights * view.height_m
        east, north = np.floor((view.camera_en - self.states.mean[row, :2]) / step)
        return self.flight, int(east), int(north)

    def _count_misses(self, ground: GroundView, rows: npt.NDArray[np.intp]) -> None:
        """Count the frame for the objects that it showed whole, and that were not detected."""
        if not (len(rows) and len(ground.outline_en)):
            return
        shown, resolutions = self._shown(ground, rows)
        for position in np.flatnonzero(shown):
            row = int(rows[position])
            evidence = self.evidence[row]
            assert evidence is not None
            self.changed.add(row)
            evidence.add_look(
                self._look(ground, row), hit=False, metres_per_pixel=float(resolutions[position])
            )

    def _shown(
        self, ground: GroundView, rows: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """Return which objects (m,) a frame shows whole, and at how many metres per pixel.

        One that was only seen in pieces counts where its centre is in view.
        """
        states = self.states
        mean = states.mean[rows]
        if not len(ground.outline_en):
            return np.zeros(len(rows), np.bool_), np.ones(len(rows))
        height = np.minimum(mean[:, 2:], 0.8 * ground.height_m)
        offsets = (mean[:, :2] - ground.camera_en) * ground.height_m / (ground.height_m - height)
        points = ground.camera_en + offsets
        boxes = states.box_en[rows]
        half = np.where(states.is_whole[rows], (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 2, 0.0)
        sigma = np.sqrt(np.trace(states.covariance[rows][:, :2, :2], axis1=1, axis2=2) / 2)
        shown = ground.depth_inside(points) > half + np.minimum(sigma, 1.0)
        return shown, ground.resolution_at(points)

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
            self.states.alive[row] = False
            self.evidence[row] = None
        self._alive -= len(weakest)
        self.dropped += len(weakest)
