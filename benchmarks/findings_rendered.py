# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rendered flights with the detections of a shipped model, kept as files for `findings_curves`.

Each world is flown twice, on crossing lines, at each height; a frame takes a third of a second:

    python -m benchmarks.findings_rendered --output /tmp/rendered --first-world 700100 --worlds 8
"""

from __future__ import annotations

import argparse
import pickle
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from roof_detector.inference.detector import Detector
from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight
from roof_detector.vision.matching import pairwise_iou
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.simulation import FlightFrame
    from roof_detector.vision.detections import Detections

SIZE_WH = (1280, 720)
MODEL = 'roof_anomalies-seg'
HEIGHTS_M = (8.0, 12.0, 20.0, 32.0)
RATES_HZ = (1.2, 1.0, 1.0, 0.7)
HEADINGS_DEG = (None, 70.0)
_SAME_IOU = 0.3
_INSIDE = 0.6


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderedFrame:
    """The detections of one frame with the pose of its camera and the true objects in it.

    `true_ids` (n,) is the position in the world's instances of what a detection shows, -1 for
    nothing. `labelled` are the instances that the simulator labels in this frame.
    """

    position_enu: npt.NDArray[np.float64]
    rotation: npt.NDArray[np.float64]
    stamp_s: float
    boxes_xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    mask_areas_px: npt.NDArray[np.float64]
    true_ids: npt.NDArray[np.int64]
    labelled: npt.NDArray[np.int64]
    true_mask_areas_px: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderedFlight:
    """The frames of one flight over the world of a seed."""

    world: int
    altitude_m: float
    number: int
    seed: int
    rate_hz: float
    frames: tuple[RenderedFrame, ...]


def flight_config(altitude_m: float, rate_hz: float, number: int) -> FlightConfig:
    """Return the settings of a flight."""
    return FlightConfig(
        size_wh=SIZE_WH, altitude_m=altitude_m, rate_hz=rate_hz, heading_deg=HEADINGS_DEG[number]
    )


def fly(
    detector: Detector, world: RoofWorld, seed: int, *, flown: tuple[float, float, int]
) -> RenderedFlight:
    """Render and detect one flight: its height, its frames a second, and which one it is."""
    altitude_m, rate_hz, number = flown
    flight_seed = 10 * seed + number
    flight = SurveyFlight(world, flight_config(altitude_m, rate_hz, number), seed=flight_seed)
    return RenderedFlight(
        world=seed,
        altitude_m=altitude_m,
        number=number,
        seed=flight_seed,
        rate_hz=rate_hz,
        frames=tuple(_seen(detector, flight, frame) for frame in flight),
    )


def _seen(detector: Detector, flight: SurveyFlight, frame: FlightFrame) -> RenderedFrame:
    found = detector.detect(frame.image_bgr, Thresholds())
    areas = np.full(len(found), np.nan)
    if found.masks is not None:
        areas = np.array([np.count_nonzero(m) for _, m in found.masks.windows()], np.float64)
    pose = flight.path.pose(frame.stamp_s)
    numbers = {one.instance_id: k for k, one in enumerate(flight.world.instances)}
    counts = np.bincount(frame.mask.reshape(-1), minlength=len(frame.class_ids) + 1)[1:]
    return RenderedFrame(
        position_enu=pose.position_enu,
        rotation=pose.rotation,
        stamp_s=frame.stamp_s,
        boxes_xyxy=found.boxes_xyxy,
        scores=found.scores,
        class_ids=found.class_ids,
        mask_areas_px=areas,
        true_ids=_true_ids(found, flight, frame),
        labelled=np.array([numbers[one] for one in frame.instance_ids.tolist()], np.int64),
        true_mask_areas_px=counts.astype(np.float64),
    )


def _true_ids(
    found: Detections, flight: SurveyFlight, frame: FlightFrame
) -> npt.NDArray[np.int64]:
    """Return what each detection shows: by overlap with its box, or as a piece of it.

    What the simulator does not label, because it is small or half hidden, is an object as well.
    """
    instances = flight.world.instances
    boxes = np.full((len(instances), 4), -1.0)
    pose = flight.path.pose(frame.stamp_s)
    for k, one in enumerate(instances):
        points = pose.to_optical(one.outline)
        if points[:, 2].min() > 0.5:
            pixels = flight.camera.project(points)
            low = np.clip(pixels.min(axis=0), 0, SIZE_WH)
            boxes[k] = np.concatenate([low, np.clip(pixels.max(axis=0), 0, SIZE_WH)])
    labelled = {one.instance_id: k for k, one in enumerate(instances)}
    for box, one in zip(frame.boxes_xyxy, frame.instance_ids.tolist(), strict=True):
        boxes[labelled[one]] = box
    true_ids = np.full(len(found), -1, np.int64)
    seen = np.flatnonzero((boxes[:, 2:] - boxes[:, :2] > 1).all(axis=1))
    if not (len(found) and len(seen)):
        return true_ids
    own = found.boxes_xyxy.astype(np.float64)
    overlap = pairwise_iou(own, boxes[seen])
    low = np.maximum(own[:, None, :2], boxes[None, seen, :2])
    high = np.minimum(own[:, None, 2:], boxes[None, seen, 2:])
    shared = (
        np.clip(high - low, 0, None).prod(axis=2) / (own[:, 2:] - own[:, :2]).prod(axis=1)[:, None]
    )
    same = found.class_ids[:, None] == np.array([instances[k].class_id for k in seen])[None]
    score = np.where((overlap >= _SAME_IOU) | (same & (shared >= _INSIDE)), overlap + same, 0.0)
    best = score.argmax(axis=1)
    return np.where(score[np.arange(len(found)), best] > 0, seen[best], -1)


class _FlightUnpickler(pickle.Unpickler):
    """Reads what `main` wrote, when this module was the program and not `benchmarks...`."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of this module or of NumPy."""
        if name in {'RenderedFlight', 'RenderedFrame'}:
            return globals()[name]
        if module.partition('.')[0] == 'numpy':
            return super().find_class(module, name)
        msg = f'{module}.{name} is no part of a rendered flight.'
        raise pickle.UnpicklingError(msg)


def read_flights(folder: Path, first: int, count: int) -> list[RenderedFlight]:
    """Return the flights over some worlds that are in a folder."""
    found: list[RenderedFlight] = []
    for seed in range(first, first + count):
        path = folder / f'{seed}.pickle'
        if path.exists():
            with path.open('rb') as file:
                found += _FlightUnpickler(file).load()
    return found


def main() -> None:
    """Render and detect, a file for each world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--first-world', type=int, default=700_100)
    parser.add_argument('--worlds', type=int, default=8)
    parser.add_argument('--minutes', type=float, default=9.0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    began_s = monotonic()
    detector = Detector.open(MODEL, threads=1)
    for seed in range(options.first_world, options.first_world + options.worlds):
        path = options.output / f'{seed}.pickle'
        if path.exists() or monotonic() - began_s > 60 * options.minutes:
            continue
        world = RoofWorld.generate(seed=seed)
        flights = [
            fly(detector, world, seed, flown=(altitude_m, rate_hz, number))
            for altitude_m, rate_hz in zip(HEIGHTS_M, RATES_HZ, strict=True)
            for number in range(len(HEADINGS_DEG))
        ]
        path.write_bytes(pickle.dumps(flights))
        frames = sum(len(one.frames) for one in flights)
        print(seed, len(world.instances), frames, round(monotonic() - began_s), flush=True)
    detector.close()


if __name__ == '__main__':
    main()
