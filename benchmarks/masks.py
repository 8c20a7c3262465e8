# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cost of masks per frame, without and with subscribers.

Processor time of this process alone, on one thread, all ways in turn on the same frames: whoever
listens is another process. In the environment of pypi_ros/env.bash:

    python benchmarks/masks.py --output benchmarks/results/masks.json
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from benchmarks.bench.frames import bench_frames
from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.inference.detector import Detector, PreprocessedImage
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.ros.common.free_domain import free_domain
from roof_detector.ros.common.large_blocks import keep_large_blocks
from roof_detector.ros.detector.camera_outputs import CameraOutputs
from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.masks import InstanceMasks
from roof_detector.vision.suppression import select
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE_WH = (1920, 1080)
INSTANCES = 50
THRESHOLDS = Thresholds(confidence=0.0001, iou=0.9, max_detections=INSTANCES)
PATIENCE_S = 240.0  # a busy machine is slow to start the subscribers


@dataclass(frozen=True, eq=False, kw_only=True)
class Stand:
    """A detector, its subscribed outputs, and an image."""

    detector: Detector
    outputs: CameraOutputs
    image_bgr: npt.NDArray[np.uint8]
    prepared: PreprocessedImage
    side: int | None

    def boxes(self) -> Detections:
        """Detect boxes only, as a model without masks but with the same network would."""
        (output,) = self.detector.infer(self.prepared)
        names = self.detector.names
        found = select(
            output.raw.predictions[: 4 + len(names)],
            thresholds=THRESHOLDS.for_names(names),
            geometry=output.geometry,
        )
        self._publish(found)
        return found

    def masks(self) -> Detections:
        """Detect boxes and masks."""
        (output,) = self.detector.infer(self.prepared)
        found = self.detector.postprocess(output, THRESHOLDS)
        self._publish(found)
        return found

    def masks_published(self) -> None:
        """Detect masks and publish their index image."""
        masks = self._sized(self.masks()).masks
        assert masks is not None
        self.outputs.publish_masks(masks.index_image(), header=Header())

    def annotated(self, way: Callable[[], Detections]) -> None:
        """Detect, draw and publish the annotated image."""
        drawn = draw_detections(self.image_bgr, self._sized(way()), self.detector.names)
        self.outputs.publish_image(drawn, header=Header(), jpeg_quality=85)

    def _publish(self, found: Detections) -> None:
        self.outputs.publish_detections(found, names=self.detector.names, header=Header())

    def _sized(self, found: Detections) -> Detections:
        """Replace the detected boxes by squares spread over the image."""
        if self.side is None:
            return found
        limit = np.array(SIZE_WH) - self.side
        corners = np.random.default_rng(0).uniform(0, limit, (len(found), 2))
        boxes = np.hstack((corners, corners + self.side)).astype(np.float32)
        masks = found.masks
        if isinstance(masks, InstanceMasks):
            masks = replace(masks, boxes_xyxy=boxes)
        return Detections(
            boxes_xyxy=boxes, scores=found.scores, class_ids=found.class_ids, masks=masks
        )


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--model', default='roof_anomalies-seg')
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--output', type=Path)
    parser.add_argument('--listen', action='store_true', help='be the one who listens')
    options = parser.parse_args()
    if options.listen:
        listen()
        return
    keep_large_blocks()  # as our node processes do
    os.environ.setdefault('ROS_DOMAIN_ID', str(free_domain()))
    run = describe_run()
    listener = subprocess.Popen([sys.executable, __file__, '--listen'])
    try:
        measured = measure(options.model, rounds=options.rounds)
    finally:
        listener.terminate()
        listener.wait()
    for row in measured['rows']:
        print('  '.join(f'{key} {value}' for key, value in row.items()))
    if options.output:
        write_result(options.output, 'masks', run, measured)


def listen() -> None:
    """Receive everything that is published, without deserialising it."""
    rclpy.init()
    node = rclpy.create_node('listener')
    for topic, kind in (
        ('/masks/detections', Detection2DArray),
        ('/masks/masks', Image),
        ('/masks/image_annotated', Image),
    ):
        node.create_subscription(kind, topic, lambda _: None, 1, raw=True)
    with suppress(ExternalShutdownException):
        rclpy.spin(node)


def measure(model: str, *, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of every method, and their ratios to boxes only."""
    rclpy.init()
    node = rclpy.create_node('masks')
    outputs = CameraOutputs(node, prefix='~/')
    outputs.configure(masks=True)
    wait_for_listener(node)
    image_bgr = bench_frames(SIZE_WH)[0]
    with Detector.open(resolve_model(model), device='cpu', threads=1) as detector:
        detector.warm_up(SIZE_WH)
        prepared = detector.preprocess(image_bgr)
        rows = [
            time_ways(
                Stand(
                    detector=detector,
                    outputs=outputs,
                    image_bgr=image_bgr,
                    prepared=prepared,
                    side=side,
                ),
                rounds=rounds,
            )
            for side in (None, 100, 200, 400)
        ]
        return {'model': model, 'backend': detector.backend, 'instances': INSTANCES, 'rows': rows}


def wait_for_listener(node: rclpy.node.Node) -> None:
    """Wait until every output has a subscriber."""
    deadline_s = monotonic() + PATIENCE_S
    topics = ('~/detections', '~/masks', '~/image_annotated')
    while not all(node.count_subscribers(node.resolve_topic_name(topic)) for topic in topics):
        if monotonic() > deadline_s:
            msg = f'Nobody listened within {PATIENCE_S:.0f} s.'
            raise RuntimeError(msg)
        rclpy.spin_once(node, timeout_sec=0.1)


def time_ways(stand: Stand, *, rounds: int) -> dict[str, Any]:
    """Return medians of CPU time in milliseconds, and ratios within one round."""
    ways: dict[str, Callable[[], object]] = {
        'boxes': stand.boxes,
        'masks_unheard': stand.masks,
        'masks_published': stand.masks_published,
        'boxes_annotated': lambda: stand.annotated(stand.boxes),
        'masks_annotated': lambda: stand.annotated(stand.masks),
    }
    found = stand.masks()
    assert len(found) == INSTANCES
    times_s = np.zeros((rounds, len(ways)))
    for row in times_s:
        for column, way in enumerate(ways.values()):
            started_s = process_time()
            way()
            row[column] = process_time() - started_s
    ms = dict(zip(ways, np.median(times_s, axis=0) * 1e3, strict=True))
    by_way = dict(zip(ways, times_s.T, strict=True))
    ratios = {
        f'{way}_ratio': float(np.median(by_way[way] / by_way[base]))
        for way, base in (
            ('masks_unheard', 'boxes'),
            ('masks_published', 'boxes'),
            ('masks_annotated', 'boxes_annotated'),
        )
    }
    sides = np.sqrt((found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]).prod(axis=1))
    return {
        'box_side_px': stand.side or f'as found, {np.median(sides):.0f} median',
        **{f'{way}_ms': round(value, 2) for way, value in ms.items()},
        **{name: round(value, 3) for name, value in ratios.items()},
    }


if __name__ == '__main__':
    main()
