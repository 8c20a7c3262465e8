# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cost of recording: the writer alone, and the recorder's process at camera rates.

`python benchmarks/recorder_rate.py --output benchmarks/results/recorder_rate.json` in the
environment of pypi_ros/env.bash. Images are those of a simulated flight, 1280x720; the writer
brings all of it onto the disk every second, as in flight.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.bags.writer import BagWriter
from roof_detector.ros.common.free_domain import free_domain
from roof_detector.ros.common.messages import compressed_message, detections_message, image_message
from roof_detector.simulation.flight.survey_flight import SurveyFlight
from roof_detector.simulation.world.roof_world import RoofWorld
from roof_detector.vision.detections import Detections

_TYPES = {
    'raw': 'sensor_msgs/msg/Image',
    'jpeg': 'sensor_msgs/msg/CompressedImage',
    'detections': 'vision_msgs/msg/Detection2DArray',
}
_TOPICS = {
    'raw': '/camera/image',
    'jpeg': '/camera/image/compressed',
    'detections': '/detector/detections',
}
_KINDS = {'raw': Image, 'jpeg': CompressedImage, 'detections': Detection2DArray}
# Frames per second of each kind; what is missing is not published.
_SCENES = {
    'idle': {},
    'detections at 30 Hz': {'detections': 30.0},
    'JPEG and detections at 30 Hz': {'jpeg': 30.0, 'detections': 30.0},
    'raw at 15 Hz and detections': {'raw': 15.0, 'detections': 15.0},
    'raw at 30 Hz and detections': {'raw': 30.0, 'detections': 30.0},
}


def messages() -> dict[str, list[Any]]:
    """Return different messages of each kind, as a flight has them.

    There are more than fit into a chunk, so that compression does not find an image twice.
    """
    flight = SurveyFlight(RoofWorld.generate(seed=4), seed=4)
    rng = np.random.default_rng(0)
    parts: dict[str, list[Any]] = {kind: [] for kind in _TYPES}
    for number in range(10):
        header = Header(frame_id='camera_optical_frame')
        header.stamp.nanosec = number
        image = cv2.resize(flight[number * len(flight) // 10].image_bgr, (1280, 720))
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
        parts['raw'].append(image_message(image, encoding='bgr8', header=header))
        parts['jpeg'].append(compressed_message(jpeg, header=header))
    for _ in range(500):
        corners = rng.uniform(0, 600, (8, 2))
        boxes = np.hstack((corners, corners + rng.uniform(10, 90, (8, 2)))).astype(np.float32)
        found = Detections(
            boxes_xyxy=boxes,
            scores=rng.uniform(0.3, 1, 8).astype(np.float32),
            class_ids=np.zeros(8, np.int32),
        )
        parts['detections'].append(detections_message(found, names=('crack',), header=header))
    return parts


def writer_alone(
    kind: str, data: list[bytes], *, compression: str, seconds: float
) -> dict[str, Any]:
    """Write as fast as possible, and return rate, cost and size."""
    with tempfile.TemporaryDirectory(dir='.') as folder:
        writer = BagWriter(Path(folder) / 'bag', compression=compression)
        writer.add_topic('/topic', _TYPES[kind])
        cpu_s, begin_s, count, size_bytes = time.process_time(), time.monotonic(), 0, 0
        while time.monotonic() - begin_s < seconds:
            message = data[count % len(data)]
            writer.write('/topic', message, log_time_ns=time.time_ns())
            count += 1
            size_bytes += len(message)
        writer.close()
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - begin_s
        share = writer.size_bytes / size_bytes
    megabytes = size_bytes / 1e6
    return {
        'megabytes_per_s': round(megabytes / wall_s, 1),
        'messages_per_s': round(count / wall_s, 1),
        'cpu_s_per_gigabyte': round(cpu_s / megabytes * 1e3, 2),
        'size_share': round(share, 3),
    }


class Sender:
    """Publish messages at fixed rates and receive the recorder's diagnostics."""

    def __init__(self) -> None:
        self._node = rclpy.create_node('sender')
        qos = {'raw': QoSProfile(depth=5), 'jpeg': QoSProfile(depth=5)}
        self._publishers = {
            kind: self._node.create_publisher(_KINDS[kind], topic, qos.get(kind, 50))
            for kind, topic in _TOPICS.items()
        }
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self.values: dict[str, str] = {}

    def wait_for_recorder(self) -> None:
        """Wait until every topic has a subscriber."""
        while not all(p.get_subscription_count() for p in self._publishers.values()):
            self._executor.spin_once(timeout_sec=0.1)

    def send(
        self, rates_hz: dict[str, float], parts: dict[str, list[Any]], *, seconds: float
    ) -> int:
        """Publish for some time and return the number of messages."""
        begin_s = time.monotonic()
        sent = dict.fromkeys(rates_hz, 0)
        while (now_s := time.monotonic() - begin_s) < seconds:
            for kind, rate_hz in rates_hz.items():
                if now_s * rate_hz >= sent[kind]:
                    self._publishers[kind].publish(parts[kind][sent[kind] % len(parts[kind])])
                    sent[kind] += 1
            self._executor.spin_once(timeout_sec=0.002)
        return sum(sent.values())

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()

    def settle(self) -> dict[str, str]:
        """Return the recorder's diagnostics once they no longer change."""
        before = None
        while before != (before := (self.values.get('messages'), self.values.get('dropped'))):
            until_s = time.monotonic() + 2.5
            while time.monotonic() < until_s:
                self._executor.spin_once(timeout_sec=0.1)
        return dict(self.values)

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name.startswith('recorder'):
                self.values = {pair.key: pair.value for pair in status.values}


def recorder_process(
    parts: dict[str, list[Any]], *, seconds: float, parameters: dict[str, object]
) -> dict[str, Any]:
    """Return the CPU share and the lost messages of a recorder for each scene."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir='.') as folder:
        options = {
            'output_directory': Path(folder).absolute(),
            'topics': f'[{", ".join(_TOPICS.values())}]',
            **parameters,
        }
        arguments = [
            part for name, value in options.items() for part in ('-p', f'{name}:={value}')
        ]
        recorder = subprocess.Popen(
            [
                sys.executable,
                '-m',
                'roof_detector.ros.recorder.recorder_node',
                '--ros-args',
                *arguments,
            ],
            stderr=subprocess.DEVNULL,
        )
        sender = Sender()
        sender.wait_for_recorder()
        process = psutil.Process(recorder.pid)
        before = sender.settle()
        for scene, rates_hz in _SCENES.items():
            cpu_s, begin_s = sum(process.cpu_times()[:2]), time.monotonic()
            sent = sender.send(rates_hz, parts, seconds=seconds)
            share = (sum(process.cpu_times()[:2]) - cpu_s) / (time.monotonic() - begin_s)
            after = sender.settle()
            lost = {key: int(after.get(key, 0)) - int(before.get(key, 0)) for key in ('dropped',)}
            results[scene] = {
                'cpu_share_of_a_core': round(share, 3),
                'sent': sent,
                'lost': lost['dropped'],
                'memory_mb': round(process.memory_info().rss / 1e6),
            }
            print(f'{scene}: {results[scene]}', flush=True)
            before = after
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
        sender.close()
    return results


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--seconds', type=float, default=10.0)
    parser.add_argument('--output', type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(free_domain()))
    rclpy.init()
    parts = messages()
    data = {kind: [serialize_message(message) for message in parts[kind]] for kind in parts}
    writer = {
        kind: {
            compression: writer_alone(
                kind, data[kind], compression=compression, seconds=arguments.seconds
            )
            for compression in ('none', 'lz4', 'zstd')
        }
        for kind in data
    }
    print(json.dumps(writer, indent=2), flush=True)
    result = {
        'machine': {
            'cores': os.cpu_count(),
            'python': platform.python_version(),
            'load_1_min': round(os.getloadavg()[0], 1),
        },
        'message_bytes': {kind: round(np.mean([len(m) for m in data[kind]])) for kind in data},
        'writer_alone': writer,
        'recorder_process': recorder_process(
            parts, seconds=arguments.seconds, parameters={'record': 'true'}
        ),
        'armed_black_box': recorder_process(
            parts,
            seconds=arguments.seconds,
            parameters={'black_box': 'true', 'trigger_confidence': 1.0},
        ),
    }
    print(json.dumps(result, indent=2))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
