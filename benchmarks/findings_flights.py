# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Flights over simulated worlds for `benchmarks/findings.py`: telemetry with errors, detections.

The worlds, their objects and the paths are those of the simulator. Boxes are the outlines of the
objects in the image; which of them are detected, and what else is, is drawn from given rates. So
that a flight costs milliseconds, no image is rendered.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.stats import beta

from benchmarks.findings_telemetry import ORIGIN, Errors, Telemetry
from roof_detector.findings.camera_motion import plane_motion
from roof_detector.findings.ground_view import ErrorSplit, ground_view
from roof_detector.findings.sightings import FrameReference, FrameSightings
from roof_detector.findings.tracker import Tracker
from roof_detector.simulation import CLASS_NAMES, FlightConfig, PinholeCamera, RoofWorld
from roof_detector.simulation.flight.survey_path import SurveyPath
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from typing_extensions import Self

    from roof_detector.georeference.pose import CameraPose
    from roof_detector.simulation.world.instance import WorldInstance

SIZE_WH = (1280, 720)
_LEAST_SIDE_PX = 16.0
_LEAST_SHARE = 0.4  # of a box, in view
_CLUTTER = 0.7  # spots per object that look like one


@dataclass(frozen=True, eq=False)
class TrueObjects:
    """The objects of a world: positions (n, 3) in ENU, class ids, areas seen from above in m^2."""

    positions_enu: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int32]
    areas_m2: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SimulatedFrame:
    """A frame's sightings, and for each the true object that it shows, -1 for a false one.

    `visible_ids` (m,) are the objects that it could show, with their boxes (m, 4) in the image.
    """

    sightings: FrameSightings
    true_ids: npt.NDArray[np.int64]
    visible_ids: npt.NDArray[np.int64]
    visible_boxes: npt.NDArray[np.float64]
    pose: CameraPose


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
        # How an object looks decides how often and how surely it is detected, in every flight. The
        # distributions are near those of findings_curves.json.
        whole = len(positions) + count
        self.uniform = rng.random(whole)
        self.confidence = np.concatenate(
            [rng.normal(1.0, 0.9, len(positions)), rng.normal(-0.4, 0.4, count)]
        )

    def changed(self, kept: npt.NDArray[np.bool_], grown: npt.NDArray[np.float64]) -> Self:
        """Return the world with some of its objects (n,), each larger by a factor (n,)."""
        world = copy(self)
        world.instances = tuple(
            replace(one, outline=one.position_enu + (one.outline - one.position_enu) * factor)
            for one, factor, there in zip(self.instances, grown.tolist(), kept, strict=True)
            if there
        )
        true = self.true
        world.true = TrueObjects(
            true.positions_enu[kept], true.class_ids[kept], (true.areas_m2 * grown**2)[kept]
        )
        spots = np.concatenate([kept, np.ones(len(self.uniform) - len(kept), np.bool_)])
        world.uniform, world.confidence = self.uniform[spots], self.confidence[spots]
        return world

    def rates(self, errors: Errors) -> npt.NDArray[np.float64]:
        """Return the rate at which each object and spot is detected."""
        true = np.arange(len(self.uniform)) < len(self.instances)
        mean = np.where(true, errors.detected, errors.clutter_detected)
        mean = np.clip(mean, 1e-3, 1 - 1e-3)
        spread = errors.rate_spread
        return np.asarray(beta.ppf(self.uniform, mean * spread, (1 - mean) * spread))

    def flight(
        self,
        name: str,
        *,
        seed: int,
        altitude_m: float,
        heading_deg: float | None,
        errors: Errors,
        rate_hz: float = 4.0,
        masks: bool = True,
    ) -> Iterator[SimulatedFrame]:
        """Yield the frames of a flight with its own errors."""
        config = FlightConfig(
            size_wh=SIZE_WH, altitude_m=altitude_m, rate_hz=rate_hz, heading_deg=heading_deg
        )
        rng = np.random.default_rng([seed, 5])
        path = SurveyPath.over(self.world, config, rng)
        camera = PinholeCamera.centred(SIZE_WH, focal_px=config.focal_ratio * SIZE_WH[0])
        telemetry = Telemetry(errors, rng, self.plane_m, camera)
        tracker, before = Tracker(), None
        for index in range(max(int(path.duration_s * config.rate_hz), 1)):
            pose = path.pose(index / config.rate_hz)
            stamp_ns = 1_700_000_000_000_000_000 + int(index / config.rate_hz * 1e9)
            fix = telemetry.fix(pose, stamp_ns, 1 / config.rate_hz)
            seen = self._seen(pose, camera)
            visible = [(k, box) for k, (box, _) in seen.items() if k < len(self.instances)]
            boxes, scores, class_ids, true_ids = self._detected(seen, camera, errors, rng)
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
                mask_areas_px=self._mask_areas(pose, camera, true_ids)
                if masks
                else np.full(len(true_ids), np.nan),
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
                np.array([one for one, _ in visible], np.int64),
                np.array([box for _, box in visible]).reshape(-1, 4),
                pose,
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

    def _seen(
        self, pose: CameraPose, camera: PinholeCamera
    ) -> dict[int, tuple[npt.NDArray[np.float64], float]]:
        """Return the boxes (4,) in view of objects, then spots, with the visible share of each."""
        limits = np.array(camera.size_wh, np.float64)
        found = {}
        for k, outline in enumerate([one.outline for one in self.instances] + list(self.clutter)):
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
            if share >= _LEAST_SHARE:
                found[k] = box, share
        return found

    def _detected(
        self,
        seen: dict[int, tuple[npt.NDArray[np.float64], float]],
        camera: PinholeCamera,
        errors: Errors,
        rng: np.random.Generator,
    ) -> tuple[
        npt.NDArray[np.float32],
        npt.NDArray[np.float32],
        npt.NDArray[np.int32],
        npt.NDArray[np.int64],
    ]:
        rows = []
        rates = self.rates(errors)
        classes = [*self.true.class_ids.tolist(), *self.clutter_classes.tolist()]
        limits = np.array(camera.size_wh, np.float64)
        for k, class_id in enumerate(classes):
            # The same draws whatever is seen: flights with other errors stay comparable.
            chance, other = rng.random(2)
            confidence = self.confidence[k] + 0.5 * rng.normal()
            noise = rng.normal(0, 1, 4)
            box, share = seen.get(k, (np.zeros(4), 0.0))
            if not share or chance > rates[k] * share:
                continue
            noisy = box + noise * (errors.pixel_share * (box[2:] - box[:2]).mean() + 0.7)
            noisy = np.where(box == np.array([0, 0, *limits]), box, noisy)
            if (noisy[2:] - noisy[:2]).min() < 2:
                continue
            said = (class_id + 1) % len(CLASS_NAMES) if other < errors.other_class else class_id
            score = max(1 / (1 + np.exp(-confidence)), 0.25)
            rows.append((noisy, score, said, k if k < len(self.instances) else -1))
        rows.sort(key=lambda row: -row[1])
        return (
            np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
            np.array([row[1] for row in rows], np.float32),
            np.array([row[2] for row in rows], np.int32),
            np.array([row[3] for row in rows], np.int64),
        )


def _hull_area(points: npt.NDArray[np.float64]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))
