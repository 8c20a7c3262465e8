# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a frame costs the inspector: telemetry, tracks, places, register, coverage, summing up.

A camera flies at 3 m/s over a roof with so many objects that each frame shows about as many as
asked, at 30 frames/s. The processor time of the thread that makes the findings is measured, so
other programs that wait for the same cores do not count, but what they take of the caches does:

    python -m benchmarks.inspector_cost --output benchmarks/results/inspector_cost.json
"""

from __future__ import annotations

import argparse
import gc
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from time import thread_time
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.bags.topics import BagTopic
from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.live_coverage import LiveCoverage
from roof_detector.findings.live_inspection import LiveFrame, LiveInspection
from roof_detector.findings.register_settings import RegisterSettings
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.live_camera import LiveCamera
from roof_detector.telemetry.live_telemetry import LiveTelemetry
from roof_detector.telemetry.topic_choice import TopicNames, choose_topics
from roof_detector.vision.detections import Detections

OBJECTS = (10, 25, 50)
_LONG = 25, 3600  # objects in view and frames: 500 objects are known at the end
RATE_HZ, SPEED_M_S, HEIGHT_M, FOCAL_PX, SIZE_WH = 30.0, 3.0, 12.0, 900.0, (1280, 720)
ORIGIN = LocalTangentPlane(47.0, 8.0, 400.0)
_BEGIN_NS = 1_700_000_000 * 10**9
_DETECTED = 0.9
_NAMES = ('equip', 'drain', 'vent', 'crack', 'puddle', 'rust')
_TOPICS = {
    '/camera/fix': 'sensor_msgs/msg/NavSatFix',
    '/camera/pose': 'geometry_msgs/msg/PoseStamped',
    '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
}


class Flight:
    """A camera over a roof: its telemetry as messages, and the boxes of what it sees."""

    def __init__(self, objects: int, frames: int) -> None:
        self._random = np.random.default_rng(1)
        wide, high = (side / FOCAL_PX * HEIGHT_M for side in SIZE_WH)
        length = frames / RATE_HZ * SPEED_M_S + wide
        count = round(objects / (wide * high) * length * high)
        low, far = (-wide / 2, -high / 2), (length - wide / 2, high / 2)
        self.places = self._random.uniform(low, far, (count, 2))

    def stamp_ns(self, index: int) -> int:
        """Return the stamp of a frame."""
        return _BEGIN_NS + round(index / RATE_HZ * 1e9)

    def tell(self, telemetry: LiveTelemetry, index: int) -> None:
        """Add the telemetry of a frame."""
        east = index / RATE_HZ * SPEED_M_S
        latitude, longitude, altitude = ORIGIN.to_geodetic([east, 0.0, HEIGHT_M]).tolist()
        pose = CameraPose.looking_down(
            [east, 0.0, HEIGHT_M], yaw_deg=90.0, pitch_deg=0.0, roll_deg=0.0
        )
        turn = dict(zip('xyzw', pose.quaternion_xyzw.tolist(), strict=True))
        header = self._header(index)
        fix = SimpleNamespace(
            header=header,
            status=SimpleNamespace(status=0),
            latitude=latitude,
            longitude=longitude,
            altitude=altitude,
            position_covariance=np.eye(3).ravel(),
            position_covariance_type=2,
        )
        posed = SimpleNamespace(
            position=SimpleNamespace(x=east, y=0.0, z=HEIGHT_M),
            orientation=SimpleNamespace(**turn),
        )
        stamp_ns = self.stamp_ns(index)
        telemetry.add('/camera/fix', fix, received_ns=stamp_ns)
        telemetry.add(
            '/camera/pose', SimpleNamespace(header=header, pose=posed), received_ns=stamp_ns
        )

    def frame(self, index: int) -> LiveFrame:
        """Return what is detected in a frame."""
        east = index / RATE_HZ * SPEED_M_S
        centres = (self.places - [east, 0.0]) * FOCAL_PX / HEIGHT_M * [1, -1]
        centres += np.array(SIZE_WH) / 2
        seen = ((centres > 0) & (centres < SIZE_WH)).all(axis=1)
        seen &= self._random.random(len(centres)) < _DETECTED
        centres = centres[seen] + self._random.normal(0, 1, (seen.sum(), 2))
        half = 0.3 * FOCAL_PX / HEIGHT_M
        boxes = np.clip(np.hstack([centres - half, centres + half]), 0, [*SIZE_WH, *SIZE_WH])
        found = Detections(
            boxes_xyxy=boxes.astype(np.float32),
            scores=np.full(len(boxes), 0.8, np.float32),
            class_ids=np.zeros(len(boxes), np.int32),
        )
        return LiveFrame(
            topic='/camera/image',
            stamp_ns=self.stamp_ns(index),
            size_wh=SIZE_WH,
            detections=found,
        )

    def info(self) -> SimpleNamespace:
        """Return the camera info."""
        width, height = SIZE_WH
        k = [FOCAL_PX, 0.0, (width - 1) / 2, 0.0, FOCAL_PX, (height - 1) / 2, 0.0, 0.0, 1.0]
        region = SimpleNamespace(width=0, height=0, x_offset=0, y_offset=0)
        return SimpleNamespace(
            header=self._header(0), width=width, height=height, k=k, d=[], p=[0.0] * 12,
            distortion_model='', roi=region, binning_x=0, binning_y=0,
        )  # fmt: skip

    def _header(self, index: int) -> SimpleNamespace:
        sec, nanosec = divmod(self.stamp_ns(index), 10**9)
        return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id='camera')


def measure(objects: int, *, frames: int, rate_hz: float) -> dict[str, Any]:
    """Return the milliseconds of a frame by stage, and their sum."""
    flight, telemetry = Flight(objects, frames), LiveTelemetry(Uncertainty())
    topics = [
        BagTopic(name=name, type_name=kind, message_count=1) for name, kind in _TOPICS.items()
    ]
    camera = LiveCamera(
        telemetry,
        choose_topics(topics, bag='', image_topic='/camera/image', preset='', names=TopicNames()),
        ground=Ground(map_z_m=0.0),
        mount=None,
        uncertainty=Uncertainty(),
    )
    telemetry.add_lens('/camera/camera_info', flight.info())
    inspection = LiveInspection(
        class_names=_NAMES,
        flight='flight',
        source='live',
        settings=RegisterSettings(most_objects=5000),
        rate_hz=rate_hz,
    )
    coverage, curves = LiveCoverage(), DetectionCurves.shipped().of(_NAMES)
    spent_s: dict[str, float] = defaultdict(float)
    detections = 0
    gc.collect()
    for index in range(frames):
        frame, fix = flight.frame(index), None
        detections += len(frame.detections)
        marks = [thread_time()]
        flight.tell(telemetry, index)
        marks.append(thread_time())
        if inspection.is_registered(frame.topic, frame.stamp_ns):
            fix = camera.at(frame.stamp_ns)
            if inspection.origin is None:
                inspection.begin_at(fix, camera.place_at(frame.stamp_ns))
        marks.append(thread_time())
        placed = inspection.add(frame, fix)
        marks.append(thread_time())
        coverage.add(placed.sightings)
        marks.append(thread_time())
        if index % round(RATE_HZ) == round(RATE_HZ) - 1:
            inspection.update()
            marks.append(thread_time())
            coverage.grid(curves, now_s=index / RATE_HZ)
        marks.append(thread_time())
        names = ('messages', 'place', 'tracks_and_register', 'coverage', 'summing_up', 'grid')
        if len(marks) == 6:
            names = (*names[:4], 'rest')
        for name, (begin, end) in zip(names, pairwise(marks), strict=True):
            spent_s[name] += end - begin
    spent_s.pop('rest', None)
    by_stage = {name: round(s / frames * 1e3, 3) for name, s in sorted(spent_s.items())}
    total = sum(s for name, s in spent_s.items() if name != 'messages')
    return {
        'objects_in_view': objects,
        'register_rate_hz': rate_hz,
        'frames': frames,
        'detections_per_frame': round(detections / frames, 1),
        'findings': len(inspection.finish().findings),
        'ms_per_frame': round(total / frames * 1e3, 3),
        'by_stage_ms': by_stage,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument('--frames', type=int, default=600, help='%(default)s by default')
    parser.add_argument(
        '--output', type=Path, default=Path('benchmarks/results/inspector_cost.json')
    )
    options = parser.parse_args()
    run = describe_run()
    found = []
    for rate_hz in (5.0, 10.0, 0.0):
        for objects in OBJECTS:
            found.append(measure(objects, frames=options.frames, rate_hz=rate_hz))
            print(found[-1], flush=True)
    objects, frames = _LONG
    found.append(measure(objects, frames=frames, rate_hz=5.0))
    print(found[-1], flush=True)
    write_result(options.output, 'inspector_cost', run, {'rate_hz': RATE_HZ, 'flights': found})


if __name__ == '__main__':
    main()
