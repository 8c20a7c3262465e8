# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What one frame says of the objects that it shows: sightings, misses, sizes, best images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.evidence import BestImage, Evidence, SizeSample
from roof_detector.findings.object_states import union

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.detection_curves import CurveTable
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
        for position, row in enumerate(rows.tolist()):
            quality = float(sharpness[position])
            evidence = self._witness(
                problem, position, row, sightings, serial=serial, quality=quality
            )
            if shown[position] or not evidence.looks:
                index = int(problem.chosen[position])
                resolution = float(view.metres_per_pixel[index]) * view.reduction
                evidence.add_look(
                    (self._flight, *looks[position]), hit=True, metres_per_pixel=resolution
                )
            self._measure(problem, position, row, evidence, quality)

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
        position: int,
        row: int,
        sightings: FrameSightings,
        *,
        serial: int,
        quality: float,
    ) -> Evidence:
        view, index, states = problem.view, int(problem.chosen[position]), self._states
        evidence = self._evidence[row]
        assert evidence is not None
        class_id = int(sightings.class_ids[index])
        confidence = float(sightings.confidences[index])
        resolution = float(view.metres_per_pixel[index])
        track_id = int(sightings.track_ids[index])
        detected, _ = self._curves.at(class_id, resolution * view.reduction)
        evidence.add_sighting(
            sightings.frame,
            serial=serial,
            class_id=class_id,
            confidence=confidence,
            weight=detected * (_CUT_VOTE if view.cut[index] else 1.0),
            track=(sightings.frame.topic, track_id) if track_id else None,
        )
        states.class_id[row] = evidence.class_id
        states.last_ns[row] = sightings.frame.stamp_ns
        states.sightings[row] += 1
        if evidence.best is None or confidence * quality > evidence.best.quality:
            left, top, right, bottom = sightings.boxes_xyxy[index].tolist()
            evidence.consider_best(
                BestImage(
                    frame=sightings.frame,
                    detection=index,
                    box_xyxy=(left, top, right, bottom),
                    confidence=confidence,
                    metres_per_pixel=resolution,
                    quality=confidence * quality,
                )
            )
        return evidence

    def _measure(
        self, problem: FrameProblem, position: int, row: int, evidence: Evidence, quality: float
    ) -> None:
        view, index, states = problem.view, int(problem.chosen[position]), self._states
        box = problem.boxes_en[position]
        if view.cut[index]:
            if not states.is_whole[row]:
                states.box_en[row] = union(states.box_en[row], box)
            return
        width, height = view.sides_m[index].tolist()
        log_size = float(np.log(max(width, 1e-3)) + np.log(max(height, 1e-3))) / 2
        if states.is_whole[row]:
            states.log_size[row] += (log_size - states.log_size[row]) / 4
        else:
            states.log_size[row], states.is_whole[row] = log_size, True
        states.box_en[row] = box
        evidence.add_size(
            SizeSample(
                quality=quality,
                sides_m=(max(width, height), min(width, height)),
                area_m2=float(view.areas_m2[index]),
                metres_per_pixel=float(view.metres_per_pixel[index]),
                height_m=view.height_m,
                slope=float(np.hypot(*view.slopes[index])),
            )
        )

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
