# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Measure how the memory of `roof_detector detect` and `export` grows with a flight's length.

`python benchmarks/long_flight.py --output benchmarks/results/long_flight.json`

Frames are tiny and the network is one convolution, so that many frames pass in minutes: what grows
with the number of frames grows as it would in a long flight, and nothing else hides it. The flight
has a fix, a pose and a camera info for each frame, and every candidate is kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.writer import BagWriter
from roof_detector.georeference.ground import Ground
from roof_detector.telemetry.recorded_track import read_track

sys.path.append(str(Path(__file__).parents[1] / 'ros2_ws/src/roof_detector/tests/ros'))
from tiny_model import write_model

RATE_HZ = 30
_SIZE_WH = (16, 12)
_BEGIN_NS, _PERIOD_NS = 1_700_000_000_000_000_000, 10**9 // RATE_HZ
_TYPES = {
    '/camera/image': 'sensor_msgs/msg/Image',
    '/camera/fix': 'sensor_msgs/msg/NavSatFix',
    '/camera/pose': 'geometry_msgs/msg/PoseStamped',
    '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
}
_SAMPLE_S = 0.25


def write_flight(path: Path, frames: int) -> None:
    """Write a bag of noise images with positions."""
    width, height = _SIZE_WH
    random = np.random.default_rng(0)
    with BagWriter(path) as bag:
        for topic, kind in _TYPES.items():
            bag.add_topic(topic, kind)
        for number in range(frames):
            stamp_ns = _BEGIN_NS + number * _PERIOD_NS
            header = header_values(stamp_ns, 'camera')
            image = {
                'height': height,
                'width': width,
                'encoding': 'bgr8',
                'step': 3 * width,
                'data': random.bytes(3 * width * height),
            }
            contents = {
                '/camera/fix': {'latitude': 47.0, 'longitude': 8.0, 'altitude': 500.0},
                '/camera/pose': {'pose': {'position': {'z': 20.0}, 'orientation': {'x': 1.0}}},
                '/camera/camera_info': {
                    'width': width,
                    'height': height,
                    'k': [14, 0, 8, 0, 14, 6, 0, 0, 1],
                },
                '/camera/image': image,
            }
            for topic, content in contents.items():
                data = message_bytes(_TYPES[topic], {'header': header, **content})
                bag.write(topic, data, log_time_ns=stamp_ns)


def watch(words: list[str], *, frames: int) -> dict[str, Any]:
    """Run one of our commands; return its memory (USS) and the growth in its later part."""
    begin_s = time.monotonic()
    process = subprocess.Popen([sys.executable, '-m', 'roof_detector.cli.main', *words, '--quiet'])
    samples_mb = []
    while process.poll() is None:
        try:
            samples_mb.append(psutil.Process(process.pid).memory_full_info().uss / 1e6)
        except psutil.Error:
            break
        time.sleep(_SAMPLE_S)
    if process.wait() != 0:
        msg = f'{" ".join(words)} ended with code {process.returncode}.'
        raise RuntimeError(msg)
    # By then all is imported and every buffer has been full once.
    middle, end = (np.median(part) for part in np.array_split(samples_mb, 10)[4:10:4])
    growth_bytes = float(end - middle) * 1e6 / (frames * 4 / 10)
    return {
        'seconds': round(time.monotonic() - begin_s, 1),
        'mb_by_tenths': [round(np.median(p), 1) for p in np.array_split(samples_mb, 10)],
        'growth_bytes_per_frame': round(growth_bytes),
    }


def track_bytes(flight: Path) -> int:
    """Return the memory of a flight's positions during an export."""
    with BagReader(flight) as bag:
        track = read_track(bag, image_topic='/camera/image', ground=Ground(map_z_m=0.0))
    series = (track.positions, track.attitudes)
    return sum(one.rows.nbytes + one.stamps_ns.nbytes for one in series)


def measure(frames: int, folder: Path) -> dict[str, Any]:
    """Detect and export a flight; return the memory of each."""
    model = write_model(folder / 'tiny.onnx')
    flight, results = folder / 'flight', folder / 'results'
    write_flight(flight, frames)
    options = ['--model', str(model), '--device', 'cpu', '--confidence', '0.97', '--ground-z', '0']
    options += ['--keep-candidates', '0.9', '--formats', 'csv', 'xlsx', 'json']
    words = ['export', str(results / 'flight'), '--output', str(folder / 'files')]
    return {
        'cores': psutil.cpu_count(),
        'frames': frames,
        'detect': watch(
            ['detect', str(flight), '--output', str(results), *options], frames=frames
        ),
        'export': watch([*words, '--ground-z', '0', '--formats', 'csv', 'geojson'], frames=frames),
        'result_bag_bytes_per_frame': round(
            sum(file.stat().st_size for file in (results / 'flight/bag').iterdir()) / frames
        ),
        'track_bytes_per_frame': round(track_bytes(flight) / frames),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path)
    parser.add_argument('--frames', type=int, default=20_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(arguments.frames, Path(folder))
    text = json.dumps(measured, indent=2) + '\n'
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
