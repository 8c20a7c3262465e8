# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kill the recorder at random moments and count the lost messages of every bag.

`python benchmarks/kill_recorder.py --kills 50 --output benchmarks/results/kill_recorder.json` in
the environment of pypi_ros/env.bash. Each time a recorder process of its own gets numbered frames
at 50 Hz, is killed with SIGKILL, and its bag is read as it was left: by mcap's own reader of
streams up to the cut, by ours, and after `roof_detector bag recover` by rosbags.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader
from rclpy.executors import SingleThreadedExecutor
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CompressedImage

from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.ros.common.messages import byte_array

# A unique name, in case other tests run in the same domain.
_TOPIC = f'/camera_{os.getpid()}/image/compressed'
_RATE_HZ = 50
_LOST_AT_MOST_S = 2.0


class RecordedCamera:
    """Publish numbered frames of a JPEG's size, in a domain of its own.

    In one domain a killed recorder would count as a listener until its lease ends.
    """

    def __init__(self, *, domain_id: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self._node = rclpy.create_node('camera', context=self._context)
        self._publisher = self._node.create_publisher(CompressedImage, _TOPIC, _RATE_HZ)
        self._message = CompressedImage(format='jpeg', data=byte_array(os.urandom(20_000)))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self.times_ns: list[int] = []

    def __enter__(self) -> RecordedCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def wait_for_listener(self) -> None:
        """Wait until the recorder has subscribed."""
        while not self._publisher.get_subscription_count():
            self._executor.spin_once(timeout_sec=0.01)

    def fly(self, duration_s: float) -> None:
        """Publish numbered frames for some time, starting with 0."""
        self.times_ns = []
        begin_s = time.monotonic()
        while (now_s := time.monotonic() - begin_s) < duration_s:
            if now_s * _RATE_HZ >= len(self.times_ns):
                self._message.header.stamp.sec = len(self.times_ns)
                self._publisher.publish(self._message)
                self.times_ns.append(time.time_ns())
            self._executor.spin_once(timeout_sec=0.002)


def kill_once(folder: Path, *, seed: int, flush_period_s: float) -> dict[str, Any]:
    """Record, kill at a random moment, and return the loss and whether the rest could be read."""
    options = {
        'record': 'true',
        'output_directory': folder,
        'bag_name': 'bag',
        'topics': f'[{_TOPIC}]',
        'flush_period_s': flush_period_s,
        'max_file_s': 2.0,
        'min_free_gb': 0.0,
    }
    arguments = [part for name, value in options.items() for part in ('-p', f'{name}:={value}')]
    domain_id = 1 + seed % 100
    flown_s = random.Random(seed).uniform(0.2, 5.0)
    with RecordedCamera(domain_id=domain_id) as camera:
        recorder = subprocess.Popen(
            [
                sys.executable,
                '-m',
                'roof_detector.ros.recorder.recorder_node',
                '--ros-args',
                *arguments,
            ],
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain_id)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        camera.wait_for_listener()
        camera.fly(flown_s)
        recorder.send_signal(signal.SIGKILL)
        killed_at_ns = time.time_ns()
        recorder.wait()
    bag = folder / 'bag'
    streamed = sum(messages_streamed(file) for file in bag.glob('*.mcap'))
    with BagReader(bag) as reader:
        numbers = [reader.deserialize(message).header.stamp.sec for message in reader.messages()]
    recovered = recover(bag).message_count
    with AnyReader([bag]) as reader:
        after = len(list(reader.messages()))
    # What the kill cost are the frames behind the last one there is. A gap before it is no matter
    # of the kill: a computer too busy to run the recorder, whose own count of that died with it.
    end = numbers[-1] + 1 if numbers else 0
    missing = camera.times_ns[end:]
    return {
        'flown_s': round(flown_s, 2),
        'flush_period_s': flush_period_s,
        'published': len(camera.times_ns),
        'recorded': len(numbers),
        'lost_s': round((killed_at_ns - missing[0]) / 1e9, 3) if missing else 0.0,
        'never_arrived': end - len(numbers),
        'in_order': numbers == sorted(set(numbers)),
        'same_for_every_reader': streamed == len(numbers) == recovered == after,
    }


def messages_streamed(path: Path) -> int:
    """Return how many messages mcap's own reader finds in a file up to its cut."""
    count = 0
    try:
        with path.open('rb') as stream:
            for record in StreamReader(stream, validate_crcs=True).records:
                count += isinstance(record, Message)
    except (McapError, ValueError, struct.error):
        return count  # here it was cut off
    return count


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the summary of all kills."""
    lost_s = [run['lost_s'] for run in runs]
    return {
        'kills': len(runs),
        'lost_s': {
            'median': round(float(np.median(lost_s)), 3),
            'p95': round(float(np.percentile(lost_s, 95)), 3),
            'most': max(lost_s),
        },
        'frames': sum(run['published'] for run in runs),
        'frames_that_never_arrived': sum(run['never_arrived'] for run in runs),
        'bags_out_of_order': sum(not run['in_order'] for run in runs),
        'bags_that_readers_disagree_about': sum(not r['same_for_every_reader'] for r in runs),
        'bags_that_lost_more_than_2_s': sum(s > _LOST_AT_MOST_S for s in lost_s),
    }


def main() -> int:
    """Run all kills; return 1 if one of them lost more than is allowed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--kills', type=int, default=50)
    parser.add_argument('--output', type=Path)
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.kills):
        with tempfile.TemporaryDirectory() as folder:
            period_s = (1.0, 0.3)[seed % 2]
            runs.append(kill_once(Path(folder), seed=seed, flush_period_s=period_s))
        print(f'{seed + 1}/{arguments.kills}: {runs[-1]}', flush=True)
    result = {
        'load_1_min': round(os.getloadavg()[0], 1),
        'all': summary(runs),
        'flush_period_1_s': summary([run for run in runs if run['flush_period_s'] == 1.0]),
        'flush_period_0.3_s': summary([run for run in runs if run['flush_period_s'] != 1.0]),
        'runs': runs,
    }
    print(json.dumps(result['all'], indent=2))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=1) + '\n')
    whole = result['all']
    return int(any(value for name, value in whole.items() if name.startswith('bags_')))


if __name__ == '__main__':
    sys.exit(main())
