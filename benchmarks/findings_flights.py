# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Flights over simulated worlds for `benchmarks/findings.py`: telemetry with errors, detections.

The worlds, their objects and the paths are those of the simulator. Boxes are the outlines of the
objects in the image; which of them are detected, and what else is, is drawn from given rates. So
that a flight costs milliseconds, no image is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.findings.camera_motion import plane_motion
from roof_detector.findings.ground_view import ErrorSplit, ground_view
from roof_detector.findings.sightings import FrameReference, FrameSightings
from roof_detector.findings.tracker import Tracker
from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.simulation import CLASS_NAMES, FlightConfig, PinholeCamera, RoofWorld
from roof_detector.simulation.flight.survey_path import SurveyPath
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from roof_detector.georeference.pose import CameraPose
    from roof_detector.simulation.world.instance import WorldInstance

ORIGIN = LocalTangentPlane(47.3769, 8.5417, 408.0)
SIZE_WH = (1280, 720)
_LEAST_SIDE_PX = 16.0
_CLUTTER = 2.0  # spots per object that look like one


@dataclass(frozen=True)
class Errors:
    """What is wrong with the telemetry, as standard deviations, and with the detections."""

    gps_bias_m: float = 3.0
    gps_walk_m: float = 0.03
    height_bias_m: float = 1.0
    tilt_deg: float = 0.7
    heading_deg: float = 2.0
    swing_s: float = 2.0
    pixel_share: float = 0.03
    detected: float = 0.85
    clutter_detected: float = 0.2
    other_class: float = 0.03


@dataclass(frozen=True, eq=False)
class TrueObjects:
    """The objects of a world: positions (n, 3) in ENU, class ids, areas seen from above in m^2."""

    positions_enu: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int32]
    areas_m2: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SimulatedFrame:
    """A frame's sightings, and for each the true object that it shows, -1 for a false one."""

    sightings: FrameSightings
    true_ids: npt.NDArray[np.int64]


class SimulatedWorld:
    """A world with its objects, and spots where there is nothing but is something detected."""

    def __init__(self, seed: int) -> None:
        self.world = RoofWorld.generate(seed=seed)
        self.instances: tuple[WorldInstance, ...] = self.world.instances
        positions = np.array([one.position_enu for one in self.instances]).reshape(-1, 3)
        self.true = TrueObjects(
            positions,
            np.array([one.class_id for one in self.instances], np.int32),
            np.array([_hull_area(one.outline[:, :2]) for one in self.instances]),
        )
        self.plane_m = float(np.median(positions[:, 2])) if len(positions) else 0.0
        rng = np.random.default_rng([seed, 77])
        count = int(_CLUTTER * max(len(positions), 5))
        low, high = self.world.roof_bounds
        spots = rng.uniform(low[:2], high[:2], (count, 2))
        if len(positions):  # what stands on an object is that object
            gaps = np.linalg.norm(spots[:, None] - positions[None, :, :2], axis=2)
            sizes = np.sqrt(np.maximum(self.true.areas_m2, 0.1))
            spots = spots[(gaps > 0.8 + sizes).all(axis=1)]
        count = len(spots)
        half = rng.uniform(0.15, 0.6, (count, 2))
        self.clutter = np.stack(
            [
                np.column_stack([spots + half * signs, np.full(count, self.plane_m)])
                for signs in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ],
            axis=1,
        )
        self.clutter_classes = rng.integers(0, len(CLASS_NAMES), count).astype(np.int32)

    def flight(
        self, name: str, *, seed: int, altitude_m: float, heading_deg: float | None, errors: Errors
    ) -> Iterator[SimulatedFrame]:
        """Yield the frames of a flight with its own errors."""
        config = FlightConfig(
            size_wh=SIZE_WH, altitude_m=altitude_m, rate_hz=4.0, heading_deg=heading_deg
        )
        rng = np.random.default_rng([seed, 5])
        path = SurveyPath.over(self.world, config, rng)
        camera = PinholeCamera.centred(SIZE_WH, focal_px=config.focal_ratio * SIZE_WH[0])
        telemetry = _Telemetry(errors, rng, self.plane_m, camera)
        tracker, before = Tracker(), None
        for index in range(max(int(path.duration_s * config.rate_hz), 1)):
            pose = path.pose(index / config.rate_hz)
            stamp_ns = 1_700_000_000_000_000_000 + int(index / config.rate_hz * 1e9)
            fix = telemetry.fix(pose, stamp_ns, 1 / config.rate_hz)
            boxes, scores, class_ids, true_ids = self._detected(pose, camera, errors, rng)
            found = Detections(boxes_xyxy=boxes, scores=scores, class_ids=class_ids)
            motion = None if before is None else plane_motion(before, fix)
            tracks = tracker.update(found, motion=motion)
            before = fix
            frame = FrameReference(
                flight=name,
                source=name,
                topic='/camera',
                index=index,
                name=f'{name}_{index:05d}',
                stamp_ns=stamp_ns,
            )
            ground = ground_view(
                fix,
                found.boxes_xyxy,
                mask_areas_px=self._mask_areas(pose, camera, true_ids),
                size_wh=SIZE_WH,
                origin=ORIGIN,
                split=ErrorSplit(),
            )
            yield SimulatedFrame(
                FrameSightings(
                    frame=frame,
                    size_wh=SIZE_WH,
                    boxes_xyxy=boxes,
                    class_ids=class_ids,
                    confidences=scores,
                    track_ids=tracks,
                    ground=ground,
                ),
                true_ids,
            )

    def _mask_areas(
        self, pose: CameraPose, camera: PinholeCamera, true_ids: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        areas = np.full(len(true_ids), np.nan)
        for k, one in enumerate(true_ids.tolist()):
            if one >= 0:
                pixels = camera.project(pose.to_optical(self.instances[one].outline))
                areas[k] = _hull_area(pixels)
        return areas

    def _detected(
        self, pose: CameraPose, camera: PinholeCamera, errors: Errors, rng: np.random.Generator
    ) -> tuple[
        npt.NDArray[np.float32],
        npt.NDArray[np.float32],
        npt.NDArray[np.int32],
        npt.NDArray[np.int64],
    ]:
        rows = []
        outlines = [one.outline for one in self.instances] + list(self.clutter)
        classes = [*self.true.class_ids.tolist(), *self.clutter_classes.tolist()]
        limits = np.array(camera.size_wh, np.float64)
        for k, outline in enumerate(outlines):
            is_true = k < len(self.instances)
            # The same draws whatever is seen: flights with other errors stay comparable.
            chance, other, confidence = rng.random(3)
            noise = rng.normal(0, 1, 4)
            points = pose.to_optical(outline)
            if points[:, 2].min() < 0.5:
                continue
            pixels = camera.project(points)
            whole = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
            box = np.concatenate([np.maximum(whole[:2], 0), np.minimum(whole[2:], limits)])
            sides, visible = whole[2:] - whole[:2], box[2:] - box[:2]
            if (visible <= 2).any() or sides.max() < _LEAST_SIDE_PX:
                continue
            share = float(np.prod(visible) / max(np.prod(sides), 1e-6))
            if share < 0.4:
                continue
            rate = errors.detected if is_true else errors.clutter_detected
            if chance > rate * share:
                continue
            noisy = box + noise * (errors.pixel_share * visible.mean() + 0.7)
            noisy = np.where(box == np.array([0, 0, *limits]), box, noisy)
            if (noisy[2:] - noisy[:2]).min() < 2:
                continue
            class_id = classes[k]
            if other < errors.other_class:
                class_id = (class_id + 1) % len(CLASS_NAMES)
            score = 0.3 + 0.6 * confidence if is_true else 0.25 + 0.6 * confidence
            rows.append((noisy, score, class_id, k if is_true else -1))
        rows.sort(key=lambda row: -row[1])
        return (
            np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
            np.array([row[1] for row in rows], np.float32),
            np.array([row[2] for row in rows], np.int32),
            np.array([row[3] for row in rows], np.int64),
        )


class _Telemetry:
    """Fixes of true poses with the errors of one flight."""

    def __init__(
        self, errors: Errors, rng: np.random.Generator, plane_m: float, camera: PinholeCamera
    ) -> None:
        self._errors, self._rng, self._plane_m = errors, rng, plane_m
        self._lens = Lens(size_wh=camera.size_wh, matrix=camera.matrix)
        self._gps = rng.normal(0, errors.gps_bias_m, 2)
        self._height = rng.normal(0, errors.height_bias_m)
        scale = np.radians([errors.tilt_deg, errors.tilt_deg, errors.heading_deg])
        self._bias = rng.normal(0, 1, 3) * scale / np.sqrt(2)
        self._scale = scale / np.sqrt(2)
        self._swing = rng.normal(0, 1, 3) * self._scale
        uncertainty = Uncertainty(
            horizontal_m=max(errors.gps_bias_m, 1e-3),
            vertical_m=max(errors.height_bias_m, 1e-3),
            tilt_deg=errors.tilt_deg,
            heading_deg=errors.heading_deg,
        )
        self._position = uncertainty.fix_covariance
        self._attitude = uncertainty.attitude_covariance

    def fix(self, pose: CameraPose, stamp_ns: int, step_s: float) -> CameraFix:
        """Return what the drone believes."""
        errors, rng = self._errors, self._rng
        self._gps = self._gps + rng.normal(0, errors.gps_walk_m * np.sqrt(step_s), 2)
        keep = np.exp(-step_s / errors.swing_s)
        fresh = rng.normal(0, 1, 3) * self._scale
        self._swing = keep * self._swing + np.sqrt(1 - keep**2) * fresh
        turn, _ = cv2.Rodrigues(self._bias + self._swing)
        east, north, up = pose.position_enu
        believed = np.array([east + self._gps[0], north + self._gps[1], up])
        latitude, longitude, altitude = ORIGIN.to_geodetic(believed).tolist()
        return CameraFix(
            stamp_ns=stamp_ns,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=altitude,
            height_m=max(float(up - self._plane_m + self._height), 1.0),
            rotation=np.asarray(turn) @ pose.rotation,
            lens=self._lens,
            position_covariance=self._position,
            attitude_covariance=self._attitude,
        )


def without_errors(errors: Errors) -> Errors:
    """Return errors of a perfect telemetry and detector."""
    return replace(
        errors,
        **dict.fromkeys(('gps_bias_m', 'gps_walk_m', 'height_bias_m', 'pixel_share'), 0.0),
        tilt_deg=1e-3,
        heading_deg=1e-3,
        detected=1.0,
        clutter_detected=0.0,
        other_class=0.0,
    )


def _hull_area(points: npt.NDArray[np.float64]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))
