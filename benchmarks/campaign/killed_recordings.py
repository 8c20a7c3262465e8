# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Recordings that are killed while their files change: the recorder, and its writer alone."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CompressedImage

from benchmarks.campaign.held_domain import held_domain
from benchmarks.campaign.stalls import SharedLateness
from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.common.messages import byte_array
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.recorder.recorder_node import RecorderNode

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_TOPIC, _TYPE = '/camera/image/compressed', 'sensor_msgs/msg/CompressedImage'
_RATE_HZ = 50
_SPLIT_S = 0.3
_STARTS_WITHIN_S = 180.0
# Each is forked from a process that has imported all of it, once: that costs seconds of a core.
_FORKS = get_context('forkserver')
_FORKS.set_forkserver_preload([__name__])
_DOMAINS = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Killed:
    """When each message was sent, and the kill.

    `late_s` is how long other work had kept the victim from a core up to each message, and
    `killed_late_s` up to the kill.
    """

    times_ns: list[int]
    late_s: list[float]
    killed_ns: int
    killed_late_s: float

    def lost_s(self, first: int) -> tuple[float, float]:
        """Return the time from a message to the kill, and what of it the victim had no core."""
        if first >= len(self.times_ns):
            return 0.0, 0.0
        lost_s = (self.killed_ns - self.times_ns[first]) / 1e9
        return lost_s, self.killed_late_s - self.late_s[first]


def write_until_killed(
    path: Path, flush_period_s: float, sender: Connection, lateness: SharedLateness
) -> None:
    """Write numbered images, and send when each was submitted."""
    lateness.measure()
    writer = BackgroundWriter(
        BagWriter(path, flush_period_s=flush_period_s, max_file_s=_SPLIT_S, sync_behind=True),
        max_queue_bytes=1 << 28,
    )
    writer.add_topic(_TOPIC, _TYPE)
    noise, begin_s = os.urandom(20_000), time.monotonic()
    for number in count():
        now_ns = time.time_ns()
        data = message_bytes(_TYPE, {'header': {'stamp': {'sec': number}}, 'data': noise})
        writer.write(
            TimedMessage(topic=_TOPIC, data=data, log_time_ns=now_ns, publish_time_ns=now_ns)
        )
        sender.send((now_ns, lateness.now_s()))
        time.sleep(max(0.0, begin_s + number / _RATE_HZ - time.monotonic()))


def kill_writer(folder: Path, *, flush_period_s: float, flown_s: float) -> Killed:
    """Kill the writer."""
    receiver, sender = _FORKS.Pipe(duplex=False)
    lateness = SharedLateness(_FORKS)
    process = _FORKS.Process(
        target=write_until_killed,
        args=(folder / 'bag', flush_period_s, sender, lateness),
        daemon=True,
    )
    process.start()
    sender.close()
    sent = [receiver.recv()]
    kills: list[tuple[float, int]] = []

    def kill() -> None:
        kills.append((lateness.now_s(), time.time_ns()))
        process.kill()

    threading.Timer(flown_s, kill).start()
    with suppress(EOFError):
        while True:
            sent.append(receiver.recv())
    process.join()
    times_ns, late_s = map(list, zip(*sent, strict=True))
    ((killed_late_s, killed_ns),) = kills
    return Killed(
        times_ns=times_ns, late_s=late_s, killed_ns=killed_ns, killed_late_s=killed_late_s
    )


def run_recorder(domain_id: int, arguments: list[str], lateness: SharedLateness) -> None:
    """Be the recorder's process in a domain, until it is killed."""
    lateness.measure()
    os.environ['ROS_DOMAIN_ID'] = str(domain_id)
    with Path(os.devnull).open('w') as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    sys.exit(run_node(RecorderNode, arguments=['recorder', '--ros-args', *arguments]))


def kill_recorder(folder: Path, *, flush_period_s: float, flown_s: float) -> Killed:
    """Kill the recorder."""
    options = {
        'record': 'true',
        'output_directory': folder,
        'bag_name': 'bag',
        'topics': f'[{_TOPIC}]',
        'flush_period_s': flush_period_s,
        'max_file_s': _SPLIT_S,
        'min_free_gb': 0.0,
    }
    arguments = [part for name, value in options.items() for part in ('-p', f'{name}:={value}')]
    with _DOMAINS:
        domain_id = held_domain()
    context = Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node('camera', context=context, enable_rosout=False)
    publisher = node.create_publisher(CompressedImage, _TOPIC, _RATE_HZ)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    lateness = SharedLateness(_FORKS)
    process = _FORKS.Process(
        target=run_recorder, args=(domain_id, arguments, lateness), daemon=True
    )
    process.start()
    message = CompressedImage(format='jpeg', data=byte_array(os.urandom(20_000)))
    times_ns: list[int] = []
    late_s: list[float] = []
    try:
        wait_until_s = time.monotonic() + _STARTS_WITHIN_S
        while not publisher.get_subscription_count() and process.is_alive():
            executor.spin_once(timeout_sec=0.02)
            if time.monotonic() > wait_until_s:
                break  # a recorder that never listens has lost everything
        begin_s = time.monotonic()
        while (now_s := time.monotonic() - begin_s) < flown_s:
            if now_s * _RATE_HZ >= len(times_ns):
                message.header.stamp.sec = len(times_ns)
                times_ns.append(time.time_ns())
                late_s.append(lateness.now_s())
                publisher.publish(message)
            time.sleep(0.002)
        killed_late_s = lateness.now_s()
        process.kill()
        return Killed(
            times_ns=times_ns,
            late_s=late_s,
            killed_ns=time.time_ns(),
            killed_late_s=killed_late_s,
        )
    finally:
        process.kill()
        process.join()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
