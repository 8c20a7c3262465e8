# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What one frame says of the objects that it shows: sightings, misses, sizes, best images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.evidence import BestImage, SizeSample
from roof_detector.findings.object_states import union

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.evidence import Evidence
    from roof_detector.findings.frame_assignment import FrameProblem
    from roof_detector.findings.object_states import ObjectStates
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import FrameSightings, GroundView

_CUT_QUALITY = 0.1  # of an image that shows a piece
_CUT_VOTE = 0.5


class FrameEvidence:
    """Adds frames to the evidence (rows,) of the objects of one flight."""

    def __init__(
        self,
        flight: str,
        *,
        states: ObjectStates,
        evidence: list[Evidence | None],
        curves: CurveTable,
        settings: RegisterSettings,
    ) -> None:
        self._flight = flight
        self._states = states
        self._evidence = evidence
        self._curves = curves
        self._settings = settings

    def add_sightings(
        self,
        problem: FrameProblem,
        rows: npt.NDArray[np.intp],
        sightings: FrameSightings,
        serial: int,
    ) -> None:
        """Add each chosen sighting (n,) of a frame to the object of its row (n,)."""
        if not len(rows):
            return
        view = problem.view
        shown, _ = self._shown(view, rows)
        looks = self._looks(view, rows)
        slopes = view.slopes[problem.chosen]
        # From the side the walls of what stands there count as well.
        sharpness = 1.0 / (
            view.metres_per_pixel[problem.chosen] * (1 + 4 * (slopes**2).sum(axis=1))
        )
        sharpness *= np.where(view.cut[problem.chosen], _CUT_QUALITY, 1.0)
        self._witness(problem, rows, sightings, serial=serial, sharpness=sharpness)
        self._measure(problem, rows, sharpness)
        resolutions = (view.metres_per_pixel[problem.chosen] * view.reduction).tolist()
        for row, seen, look, resolution in zip(
            rows.tolist(), shown.tolist(), looks, resolutions, strict=True
        ):
            evidence = self._evidence[row]
            assert evidence is not None
            if seen or not evidence.looks:
                evidence.add_look((self._flight, *look), hit=True, metres_per_pixel=resolution)

    def add_misses(self, view: GroundView, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Count the frame for those objects (m,) that it showed whole; return their rows.

        They were not detected in it.
        """
        if not (len(rows) and len(view.outline_en)):
            return rows[:0]
        shown, resolutions = self._shown(view, rows)
        rows, resolutions = rows[shown], resolutions[shown] * view.reduction
        looks = self._looks(view, rows)
        for row, look, resolution in zip(rows.tolist(), looks, resolutions.tolist(), strict=True):
            evidence = self._evidence[row]
            assert evidence is not None
            evidence.add_look((self._flight, *look), hit=False, metres_per_pixel=resolution)
        return rows

    def _witness(
        self,
        problem: FrameProblem,
        rows: npt.NDArray[np.intp],
        sightings: FrameSightings,
        *,
        serial: int,
        sharpness: npt.NDArray[np.float64],
    ) -> None:
        """Add votes, tracks and best images; `sharpness` (n,) is that of each sighting."""
        view, states, chosen, frame = problem.view, self._states, problem.chosen, sightings.frame
        class_ids = sightings.class_ids[chosen]
        confidences = sightings.confidences[chosen].astype(np.float64)
        resolutions = view.metres_per_pixel[chosen]
        weights = self._curves.detected_at(class_ids, resolutions * view.reduction)
        weights *= np.where(view.cut[chosen], _CUT_VOTE, 1.0)
        states.last_ns[rows] = frame.stamp_ns
        states.sightings[rows] += 1
        columns = (rows, class_ids, confidences, weights, sightings.track_ids[chosen])
        qualities = (confidences * sharpness).tolist()
        leading = []
        for position, (row, class_id, confidence, weight, track_id) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        ):
            evidence = self._evidence[row]
            assert evidence is not None
            evidence.add_sighting(
                frame,
                serial=serial,
                class_id=class_id,
                confidence=confidence,
                weight=weight,
                track=(frame.topic, track_id) if track_id else None,
            )
            leading.append(evidence.class_id)
            if evidence.best is None or qualities[position] > evidence.best.quality:
                index = int(chosen[position])
                left, top, right, bottom = sightings.boxes_xyxy[index].tolist()
                evidence.best = BestImage(
                    frame=frame,
                    detection=index,
                    box_xyxy=(left, top, right, bottom),
                    confidence=confidence,
                    metres_per_pixel=float(resolutions[position]),
                    quality=qualities[position],
                )
        states.class_id[rows] = leading

    def _measure(
        self,
        problem: FrameProblem,
        rows: npt.NDArray[np.intp],
        sharpness: npt.NDArray[np.float64],
    ) -> None:
        """Add the sizes of whole sightings; pieces of what was not seen whole are joined."""
        view, states = problem.view, self._states
        cut = view.cut[problem.chosen]
        for position in np.flatnonzero(cut & ~states.is_whole[rows]).tolist():
            row = int(rows[position])
            states.box_en[row] = union(states.box_en[row], problem.boxes_en[position])
        whole = np.flatnonzero(~cut)
        rows, index = rows[whole], problem.chosen[whole]
        sides, slopes = view.sides_m[index], view.slopes[index]
        log_size = np.log(np.maximum(sides, 1e-3)).mean(axis=1)
        before = np.where(states.is_whole[rows], states.log_size[rows], log_size)
        states.log_size[rows] = before + (log_size - before) / 4
        states.is_whole[rows] = True
        states.box_en[rows] = problem.boxes_en[whole]
        columns = (
            sharpness[whole],
            sides.max(axis=1),
            sides.min(axis=1),
            view.areas_m2[index],
            view.metres_per_pixel[index],
            np.full(len(index), view.height_m),
            np.hypot(slopes[:, 0], slopes[:, 1]),
        )
        for row, values in zip(rows.tolist(), np.column_stack(columns).tolist(), strict=True):
            evidence = self._evidence[row]
            assert evidence is not None
            evidence.add_size(SizeSample(*values))

    def _looks(self, view: GroundView, rows: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
        """Return the directions from which a frame sees objects, in steps of the settings."""
        step = self._settings.look_heights * view.height_m
        found = np.floor((view.camera_en - self._states.mean[rows, :2]) / step)
        return [(int(east), int(north)) for east, north in found.tolist()]

    def _shown(
        self, view: GroundView, rows: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """Return which objects (m,) a frame shows whole, and at how many metres per pixel.

        One that was only seen in pieces counts where its centre is in view.
        """
        states = self._states
        mean = states.mean[rows]
        if not len(view.outline_en):
            return np.zeros(len(rows), np.bool_), np.ones(len(rows))
        height = np.minimum(mean[:, 2:], 0.8 * view.height_m)
        offsets = (mean[:, :2] - view.camera_en) * view.height_m / (view.height_m - height)
        points = view.camera_en + offsets
        boxes = states.box_en[rows]
        half = np.where(states.is_whole[rows], (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 2, 0.0)
        variance = (states.covariance[rows, 0, 0] + states.covariance[rows, 1, 1]) / 2
        shown = view.depth_inside(points) > half + np.minimum(np.sqrt(variance), 1.0)
        return shown, view.resolution_at(points)
