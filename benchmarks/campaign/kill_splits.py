# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kill recordings during the change from one file to the next, and count the lost messages.

Two kinds of victims get numbered images, most of them in bags whose files end several times a
second: the recorder's process over DDS, and a process with the recorder's writer alone, whose
start costs less. The judge walks over the records of the files as the kill left them, with mcap's
own reader of streams.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rclpy
import yaml
from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CompressedImage

from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.common.free_domain import free_domain
from roof_detector.ros.common.messages import byte_array

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_TOPIC, _TYPE = '/camera/image/compressed', 'sensor_msgs/msg/CompressedImage'
_RATE_HZ = 50
_SPLIT_S = 0.3
_AT_ONCE = 4
# A loaded machine lets a message lie this long between its sending and the writing thread.
_ALLOWED_S = 0.2
# On a loaded machine fewer are killed than were meant to be.
_BEGIN_WITHIN_S = 225.0
_MAGIC = b'\x89MCAP0\r\n'
# Each is forked from a process that has imported all of it, once.
_FORKS = get_context('forkserver')


def write_until_killed(path: Path, flush_period_s: float, sender: Connection) -> None:
    """Write numbered images, and print when each was submitted."""
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
        sender.send(now_ns)
        time.sleep(max(0.0, begin_s + number / _RATE_HZ - time.monotonic()))


def kill_writer(folder: Path, *, flush_period_s: float, flown_s: float) -> tuple[list[int], int]:
    """Kill the writer; return when each message was submitted, and the time of the kill."""
    receiver, sender = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(
        target=write_until_killed, args=(folder / 'bag', flush_period_s, sender), daemon=True
    )
    process.start()
    sender.close()
    times_ns = [receiver.recv()]
    threading.Timer(flown_s, process.kill).start()
    try:
        while True:
            times_ns.append(receiver.recv())
    except EOFError:
        killed_ns = time.time_ns()
    process.join()
    return times_ns, killed_ns


def kill_recorder(folder: Path, *, flush_period_s: float, flown_s: float) -> tuple[list[int], int]:
    """Kill the recorder; return when each message was published, and the time of the kill."""
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
        domain_id = free_domain(first=_DOMAINS_TAKEN[-1] + 1, step=1)
        _DOMAINS_TAKEN.append(domain_id)
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node('camera', context=context, enable_rosout=False)
    publisher = node.create_publisher(CompressedImage, _TOPIC, _RATE_HZ)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    process = subprocess.Popen(
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
    message = CompressedImage(format='jpeg', data=byte_array(os.urandom(20_000)))
    times_ns: list[int] = []
    try:
        while not publisher.get_subscription_count() and process.poll() is None:
            executor.spin_once(timeout_sec=0.02)
        begin_s = time.monotonic()
        while (now_s := time.monotonic() - begin_s) < flown_s:
            if now_s * _RATE_HZ >= len(times_ns):
                message.header.stamp.sec = len(times_ns)
                times_ns.append(time.time_ns())
                publisher.publish(message)
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        return times_ns, time.time_ns()
    finally:
        process.kill()
        process.wait()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


_DOMAINS, _DOMAINS_TAKEN = threading.Lock(), [20]


def numbers_walked(bag: Path) -> list[int]:
    """Return the numbers of the messages in a bag's files, up to the cut."""
    numbers = []
    for file in bag.glob('*.mcap'):
        try:
            with file.open('rb') as stream:
                for record in StreamReader(stream, validate_crcs=True).records:
                    if isinstance(record, Message):
                        numbers.append(struct.unpack_from('<i', record.data, 4)[0])
        except (McapError, ValueError, struct.error):
            continue  # here it was cut off
    return sorted(numbers)


def fault_of(bag: Path, times_ns: list[int], killed_ns: int, *, promise_s: float) -> str:
    """Return how the promise was broken, '' if it held."""
    walked = numbers_walked(bag)
    missing = sorted(set(range(len(times_ns))) - set(walked))
    first_lost_s = (killed_ns - times_ns[missing[0]]) / 1e9 if missing else 0.0
    if first_lost_s > promise_s + _ALLOWED_S:
        return f'{first_lost_s:.2f} s lost where {promise_s} s are promised'
    if len(set(walked)) != len(walked):
        return f'{len(walked) - len(set(walked))} messages are there twice'
    files = {file.name: file.read_bytes()[: len(_MAGIC)] for file in bag.glob('*.mcap')}
    if any(begin != _MAGIC for begin in files.values()):
        return f'{sum(begin != _MAGIC for begin in files.values())} files without a beginning'
    described = yaml.safe_load((bag / 'metadata.yaml').read_text())
    named = set(described['rosbag2_bagfile_information']['relative_file_paths'])
    if not named <= set(files):
        return f'metadata.yaml names {sorted(named - set(files))}, which are not there'
    try:
        recover(bag)
        with BagReader(bag) as reader:
            read = [struct.unpack_from('<i', one.data, 4)[0] for one in reader.messages()]
    except BagError as error:
        return f'after recovery: {error}'
    return '' if read == walked else f'{len(walked)} walked, {len(read)} read after recovery'


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Kill up to 200 victims, some at the same time."""
    begun_s = time.monotonic()
    # A killed process leaves what it shared in memory for good, so they share none.
    os.environ['FASTDDS_BUILTIN_TRANSPORTS'] = 'UDPv4'
    os.environ.pop('FASTRTPS_DEFAULT_PROFILES_FILE', None)
    rng = options.random()
    victims: list[tuple[str, Callable[..., tuple[list[int], int]]]] = [
        ('recorder', kill_recorder)
    ] * (1 if options.short else 50)
    victims += [('writer', kill_writer)] * (3 if options.short else 150)
    rng.shuffle(victims)
    lost: dict[float, list[float]] = {0.3: [], 1.0: []}

    def one(number: int, seed: int) -> None:
        if time.monotonic() - begun_s > _BEGIN_WITHIN_S:
            return
        kind, kill = victims[number]
        period_s = (0.3, 1.0)[number % 2]
        flown_s = random.Random(seed).uniform(0.3, 2.5)
        with tempfile.TemporaryDirectory() as name:
            times_ns, killed_ns = kill(Path(name), flush_period_s=period_s, flown_s=flown_s)
            there = set(numbers_walked(Path(name) / 'bag'))
            gone = [at for number, at in enumerate(times_ns) if number not in there]
            lost[period_s].append((killed_ns - gone[0]) / 1e9 if gone else 0.0)
            fault = fault_of(Path(name) / 'bag', times_ns, killed_ns, promise_s=period_s)
        tally.check(kind, f'seed {seed}: {fault}', holds=not fault)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seeds = [rng.randrange(2**32) for _ in victims]
        for done in [pool.submit(one, number, seed) for number, seed in enumerate(seeds)]:
            done.result()
    for period_s, values in lost.items():
        tally.figures[f'lost_at_flush_{period_s}_median_s'] = round(float(np.median(values)), 3)
        tally.figures[f'lost_at_flush_{period_s}_most_s'] = round(max(values), 3)


if __name__ == '__main__':
    sys.exit(run_campaign('kill_splits', attempt))
