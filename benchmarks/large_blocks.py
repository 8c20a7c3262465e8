# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cost of receiving raw images, with memory mapped for each one and with reused memory.

A process that only receives images, at 10 per second, with the two settings interleaved.
"""

from __future__ import annotations

import argparse
import array
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.ros.common.free_domain import free_domain
from roof_detector.ros.common.large_blocks import keep_large_blocks

WAYS = ('mapped', 'kept')
PERIOD_S = 0.1
SETTLING = 5


def main() -> None:
    """Measure, or run as the subscriber process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', nargs='+', default=['1280x720', '3840x2160'])
    parser.add_argument('--frames', type=int, default=60)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument(
        '--output', type=Path, default=Path('benchmarks/results/large_blocks.json')
    )
    parser.add_argument('--listen', choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        print(json.dumps(listen(options.listen, options.frames)))
        return
    described = describe_run()
    os.environ['ROS_DOMAIN_ID'] = str(free_domain())
    keep_large_blocks()  # the sender is the same for both
    rclpy.init()
    rounds = [
        {'size': size, 'memory': way, **measure(way, size, options.frames)}
        for _ in range(options.rounds)
        for size in options.sizes
        for way in WAYS
    ]
    rows = [
        {
            'size': size,
            'memory': way,
            **{
                key: round(
                    median(
                        row[key] for row in rounds if (row['size'], row['memory']) == (size, way)
                    ),
                    2,
                )
                for key in ('age_ms_p50', 'cpu_ms_per_image')
            },
        }
        for size in options.sizes
        for way in WAYS
    ]
    write_result(options.output, 'large_blocks', described, {'rows': rows, 'rounds': rounds})
    print(json.dumps(rows, indent=1))


def measure(way: str, size: str, frames: int) -> dict[str, float]:
    """Publish images to a subscriber with this setting and return its measurements."""
    command = [sys.executable, __file__, '--listen', way, '--frames', str(frames)]
    listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    node = rclpy.create_node('sender')
    publisher = node.create_publisher(Image, 'image', QoSProfile(depth=1))
    width, height = map(int, size.split('x'))
    image = Image(width=width, height=height, encoding='bgr8', step=3 * width)
    image.data = array.array('B', bytes(3 * width * height))
    while listener.poll() is None:
        if publisher.get_subscription_count():
            image.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(image)
        time.sleep(PERIOD_S)
    node.destroy_node()
    output, _ = listener.communicate()
    return json.loads(output)


def listen(way: str, frames: int) -> dict[str, float]:
    """Receive images and return age and CPU time of each."""
    if way == 'kept' and not keep_large_blocks():
        msg = 'This C library does not keep large blocks.'
        raise SystemExit(msg)
    rclpy.init()
    node = rclpy.create_node('listener')
    ages_ms: list[float] = []

    def receive(image: Image) -> None:
        stamp = image.header.stamp
        now_ns = node.get_clock().now().nanoseconds
        ages_ms.append((now_ns - stamp.sec * 10**9 - stamp.nanosec) / 1e6)

    node.create_subscription(Image, 'image', receive, QoSProfile(depth=1))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while len(ages_ms) < SETTLING:
        executor.spin_once()
    begun_s = time.process_time()
    while len(ages_ms) < SETTLING + frames:
        executor.spin_once()
    taken_s = time.process_time() - begun_s
    return {
        'age_ms_p50': median(ages_ms[SETTLING:]),
        'cpu_ms_per_image': taken_s / frames * 1e3,
    }


if __name__ == '__main__':
    main()
