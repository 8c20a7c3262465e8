# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Publish frames faster than the detector can process them, and measure the age of results.

`python benchmarks/overload.py --seconds 60 --output benchmarks/results/overload.json` in the
environment of pypi_ros/env.bash. The network alone is timed first, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from benchmarks.bench.machine import describe_run
from benchmarks.bench.process_meter import sample_process
from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.ros.common.free_domain import free_domain
from roof_detector.ros.common.messages import image_message
from roof_detector.vision.thresholds import Thresholds


def forward_alone_s(model: str, image_bgr: np.ndarray, *, passes: int = 60) -> tuple[float, float]:
    """Return median and 95th percentile of the network's time, with nothing else running."""
    with Detector.open(resolve_model(model)) as detector:
        detector.warm_up((image_bgr.shape[1], image_bgr.shape[0]))
        times_s = []
        for _ in range(passes):
            detector.detect(image_bgr, Thresholds())
            times_s.append(detector.times.forward_s)
    return tuple(np.percentile(times_s, (50, 95)).tolist())


class Overload:
    """Publish one image at a fixed rate and record when its results arrive."""

    def __init__(self, image_bgr: np.ndarray, *, rate_hz: float) -> None:
        self.node = rclpy.create_node('overload')
        self.ages_s: list[tuple[float, float]] = []
        self.values: dict[str, str] = {}
        self.sent = 0
        self.lateness_s: list[float] = []
        self._images = self.node.create_publisher(Image, 'image', QoSProfile(depth=1))
        self._message = image_message(image_bgr, encoding='bgr8', header=Header())
        self._period_s = 1 / rate_hz
        self.node.create_subscription(Detection2DArray, '/detector/detections', self._age, 50)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def wait_for_detector(self) -> None:
        """Wait until the detector has subscribed."""
        while not self._images.get_subscription_count() or not self.values:
            self.executor.spin_once(timeout_sec=0.2)

    def run(self, *, seconds: float) -> None:
        """Publish at the rate, and receive results in between."""
        self.started_s = time.monotonic()
        while (now_s := time.monotonic() - self.started_s) < seconds:
            due_s = self.sent * self._period_s
            if now_s >= due_s:
                self.lateness_s.append(now_s - due_s)
                self._message.header.stamp = self.node.get_clock().now().to_msg()
                self._images.publish(self._message)
                self.sent += 1
            else:
                self.executor.spin_once(timeout_sec=due_s - now_s)
        processed = -1
        while processed != self.values.get('frames_processed'):  # until nothing more comes
            processed = self.values.get('frames_processed')
            until_s = time.monotonic() + 2.5
            while time.monotonic() < until_s:
                self.executor.spin_once(timeout_sec=0.2)

    def _age(self, result: Detection2DArray) -> None:
        stamp = result.header.stamp
        now_ns = self.node.get_clock().now().nanoseconds
        age_s = (now_ns - stamp.sec * 1_000_000_000 - stamp.nanosec) / 1e9
        self.ages_s.append((time.monotonic() - self.started_s, age_s))

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name.startswith('detector'):
                self.values = {pair.key: pair.value for pair in status.values}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='roof_anomalies')
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--rate', type=float, default=30.0)
    parser.add_argument('--output', type=Path)
    arguments = parser.parse_args()
    described = describe_run()
    image_bgr = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    forward_s = forward_alone_s(arguments.model, image_bgr)

    os.environ.setdefault('ROS_DOMAIN_ID', str(free_domain()))
    command = [sys.executable, '-m', 'roof_detector.ros.detector.detector_node', '--ros-args']
    detector = subprocess.Popen([*command, '-p', f'model:={arguments.model}'])
    rclpy.init()
    overload = Overload(image_bgr, rate_hz=arguments.rate)
    overload.wait_for_detector()
    overload.run(seconds=arguments.seconds)
    memory_mb = sample_process(detector.pid).memory_mb
    detector.send_signal(signal.SIGINT)
    detector.wait()

    moments_s, ages_s = np.array(overload.ages_s).T
    values = overload.values
    result = {
        **described,
        'model': arguments.model,
        'frames': {
            'size': '1280x720 bgr8',
            'rate_hz': arguments.rate,
            'seconds': arguments.seconds,
            'sent': overload.sent,
            'seen': int(values['frames_seen']),
            'processed': int(values['frames_processed']),
            'dropped': {k[8:]: int(v) for k, v in values.items() if k.startswith('dropped.')},
            'late_by_p95_s': round(float(np.percentile(overload.lateness_s, 95)), 4),
        },
        'results_per_s': round(len(ages_s) / arguments.seconds, 2),
        'forward_alone_s': {'p50': round(forward_s[0], 4), 'p95': round(forward_s[1], 4)},
        'age_s': {f'p{p}': round(float(np.percentile(ages_s, p)), 4) for p in (50, 95, 99)},
        'age_p95_over_forward': round(float(np.percentile(ages_s, 95)) / forward_s[0], 2),
        'age_growth_ms_per_minute': round(float(np.polyfit(moments_s, ages_s, 1)[0]) * 6e4, 2),
        'memory_mb': round(memory_mb),
    }
    print(json.dumps(result, indent=2))
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
