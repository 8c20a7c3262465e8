# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import random
import resource
import signal
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CompressedImage

from roof_detector.bags.metadata import read_metadata
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.ros.common.messages import byte_array
from roof_detector.supervision.watchdog import EXIT_DEAD_PART

TOPIC = '/camera/image/compressed'
KILLS = int(os.environ.get('ROOF_DETECTOR_KILLS', '2'))
LOST_AT_MOST = 2  # reports of a second each


class Camera:
    """Publishes numbered frames to a recorder in a process of its own."""

    def __init__(self, graph, folder, *, rate_hz=50, image_bytes=20_000, program=(), **parameters):
        self.graph = graph
        self.bag = folder / 'bag'
        self.published = 0
        self.reports = []
        self._node = graph.node('camera')
        self._publisher = self._node.create_publisher(CompressedImage, TOPIC, 50)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._take, 10)
        self._data = byte_array(os.urandom(image_bytes))
        values = {
            'record': 'true',
            'output_directory': folder,
            'bag_name': 'bag',
            'topics': f'[{TOPIC}]',
            'min_free_gb': 0.0,
            **parameters,
        }
        options = [part for name, value in values.items() for part in ('-p', f'{name}:={value}')]
        recorder = 'roof_detector.ros.recorder.recorder_node'
        self.recorder = graph.start(*program, recorder, '--ros-args', *options)
        graph.wait_until(self._publisher.get_subscription_count, what='the recorder')
        self._node.create_timer(1 / rate_hz, self._publish)

    def fly(self, seconds):
        end = time.monotonic() + seconds
        self.graph.wait_until(lambda: time.monotonic() > end, within_s=seconds + 30)

    def fly_until_recorded(self, count):
        self.graph.wait_until(
            lambda: int(self.value('messages')) >= count, what=f'{count} frames in the bag'
        )

    def value(self, key, *, reports_ago=0):
        if len(self.reports) <= reports_ago:
            return '0'
        values = self.reports[-1 - reports_ago].values
        return next((pair.value for pair in values if pair.key == key), '0')

    def _publish(self):
        message = CompressedImage(format='jpeg', data=self._data)
        message.header.stamp.sec = self.published
        self._publisher.publish(message)
        self.published += 1

    def _take(self, array):
        for status in array.status:
            if status.name == 'recorder: bag':
                self.reports.append(status)


def numbers_and_times(path):
    with BagReader(path) as bag:
        return [
            (bag.deserialize(message).header.stamp.sec, message.log_time_ns)
            for message in bag.messages()
        ]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_an_interrupted_recorder_finishes_its_bag(graph, tmp_path, number):
    camera = Camera(graph, tmp_path)
    camera.fly_until_recorded(11)
    camera.recorder.send_signal(number)
    output, _ = camera.recorder.communicate(timeout=60)
    assert camera.recorder.returncode == 0, output
    with BagReader(camera.bag) as bag:
        assert bag.damage == ()
        assert bag.message_count > 10
    with AnyReader([camera.bag]) as bag:
        assert bag.message_count == len(list(bag.messages()))


@pytest.mark.parametrize('seed', range(KILLS))
def test_a_killed_recorder_costs_at_most_the_last_two_seconds(graph, tmp_path, seed):
    """Two of its own seconds: it says each how much it has received.

    Those of the test's clock are not: on a busy machine the recorder has no part of some of them.
    """
    dice = random.Random(seed)
    # Slowly: of images DDS keeps 30 for a recorder that is busy elsewhere.
    camera = Camera(graph, tmp_path, rate_hz=5, flush_period_s=dice.choice([0.3, 1.0]))

    def received_before():
        return int(camera.value(f'received.{TOPIC}', reports_ago=LOST_AT_MOST))

    graph.wait_until(received_before, what='reports')
    camera.fly(dice.uniform(0.0, 1.0))
    camera.recorder.kill()
    camera.recorder.wait()
    before = numbers_and_times(camera.bag)
    assert [number for number, _ in before] == list(range(len(before)))
    assert len(before) >= received_before() > 0
    recovery = recover(camera.bag)
    assert recovery.message_count == len(before)
    assert numbers_and_times(camera.bag) == before
    with AnyReader([camera.bag]) as bag:
        assert bag.message_count == len(before)


def test_a_disk_that_refuses_to_let_a_file_grow_costs_nothing(graph, tmp_path):
    camera = Camera(graph, tmp_path, flush_period_s=0.1, rate_hz=5, image_bytes=60_000)
    camera.fly_until_recorded(1)
    written = (camera.bag / 'bag_0.mcap').stat().st_size
    # The kernel now refuses to let files grow beyond this, as FAT32 or a quota does.
    limit = written + 300_000
    resource.prlimit(camera.recorder.pid, resource.RLIMIT_FSIZE, (limit, limit))
    graph.wait_until(
        lambda: int(camera.value('interruptions')) >= 2,
        what='files that may not grow',
    )
    camera.recorder.send_signal(signal.SIGINT)
    output, _ = camera.recorder.communicate(timeout=60)
    assert camera.recorder.returncode == 0, output
    assert 'Recording goes on in a new file' in output
    assert 'could not be written any further (File too large)' in output
    assert len(list(camera.bag.glob('*.mcap'))) >= 3
    with BagReader(camera.bag) as bag:  # for which there may have been no place
        assert all('only its summary is missing' in one for one in bag.damage), bag.damage
    numbers = [number for number, _ in numbers_and_times(camera.bag)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 8
    assert recover(camera.bag).message_count == len(numbers)
    with BagReader(camera.bag) as bag:
        assert bag.damage == ()


@pytest.mark.parametrize('gap_s', [0.0, 0.4], ids='{} s'.format)
def test_no_number_of_signals_cuts_off_the_bag_of_busy_topics(graph, tmp_path, gap_s):
    """`ros2 launch` passes Ctrl-C on to a process that has had it from the terminal already."""
    camera = Camera(graph, tmp_path, rate_hz=200, max_file_s=0.3, flush_period_s=0.1)
    camera.fly_until_recorded(11)
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        camera.recorder.send_signal(number)
        time.sleep(gap_s)
    output, _ = camera.recorder.communicate(timeout=60)
    assert camera.recorder.returncode == 0, output
    with BagReader(camera.bag) as bag:
        assert bag.damage == ()
    with AnyReader([camera.bag]) as bag:
        assert bag.message_count == len(list(bag.messages())) > 10


def test_a_recorder_whose_executor_hangs_ends_with_a_whole_bag(graph, tmp_path):
    camera = Camera(graph, tmp_path, program=('benchmarks.campaign.faulty_node',))
    camera.fly_until_recorded(81)
    camera.recorder.stdin.write('hang executor\n')
    camera.recorder.stdin.flush()
    camera.fly(1)
    assert camera.recorder.wait(60) == EXIT_DEAD_PART
    with (camera.bag / 'bag_0.mcap').open('rb') as stream:
        summary = make_reader(stream, validate_crcs=True).get_summary()
    assert summary.statistics.message_count > 80
    assert read_metadata(camera.bag)['message_count'] == summary.statistics.message_count
    assert recover(camera.bag).repaired == ()
