# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import resource
import threading
import time

import pytest

from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter
from roof_detector.supervision.watched_thread import watched_parts

FIX = 'sensor_msgs/msg/NavSatFix'


class HeldWriter(BagWriter):
    """A bag on a disk that stands still until it is let go."""

    def __init__(self, path):
        self.let_go = threading.Event()
        super().__init__(path)

    def add_topic(self, *arguments, **options):
        assert self.let_go.wait(60)
        super().add_topic(*arguments, **options)


def test_closing_at_once_leaves_an_empty_bag(tmp_path):
    state = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=1_000).close()
    assert (state.message_count, state.dropped, state.failure) == (0, {}, '')
    with BagReader(tmp_path / 'bag') as bag:
        assert bag.damage == ()


def test_all_that_is_handed_in_is_written_in_order(tmp_path):
    writer = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=10_000_000)
    writer.add_topic('/fix', FIX)
    data = [message_bytes(FIX, {'latitude': float(n)}) for n in range(2_000)]
    for number, message in enumerate(data):
        writer.write(
            TimedMessage(topic='/fix', data=message, log_time_ns=number, publish_time_ns=number)
        )
    state = writer.close()
    assert (state.message_count, state.dropped, state.queued_bytes) == (2_000, {}, 0)
    with BagReader(tmp_path / 'bag') as bag:
        assert [message.data for message in bag.messages()] == data


def test_on_a_slow_disk_images_are_dropped_and_counted_before_small_messages(tmp_path):
    bag = HeldWriter(tmp_path / 'bag')
    writer = BackgroundWriter(bag, max_queue_bytes=1_000_000)
    writer.add_topic('/image', 'sensor_msgs/msg/Image')
    writer.add_topic('/fix', FIX)
    for number in range(10):
        writer.write(
            TimedMessage(
                topic='/image', data=bytes(200_000), log_time_ns=number, publish_time_ns=number
            )
        )
    for number in range(20):
        writer.write(
            TimedMessage(
                topic='/fix', data=bytes(5_000), log_time_ns=number, publish_time_ns=number
            )
        )
    waiting = writer.state()
    assert waiting.dropped == {'/image': 6}
    assert waiting.queued_bytes == 4 * 200_000 + 20 * 5_000
    bag.let_go.set()
    state = writer.close()
    assert (state.message_count, state.dropped, state.failure) == (24, {'/image': 6}, '')


def test_a_failing_disk_is_reported_and_everything_after_it_counted(tmp_path):
    bag = HeldWriter(tmp_path / 'bag')
    writer = BackgroundWriter(bag, max_queue_bytes=100_000_000)
    writer.add_topic('/image', 'sensor_msgs/msg/Image')
    for number in range(9):
        writer.write(
            TimedMessage(
                topic='/image', data=bytes(5_000_000), log_time_ns=number, publish_time_ns=number
            )
        )
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses to let files of this process grow beyond this.
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))
    try:
        bag.let_go.set()
        state = writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 'could not be written any further (File too large)' in state.failure
    assert sum(state.dropped.values()) + state.message_count == 9
    writer.write(TimedMessage(topic='/image', data=b'late', log_time_ns=9, publish_time_ns=9))
    assert sum(writer.state().dropped.values()) + state.message_count == 10


def test_an_unknown_type_is_refused_at_once_and_the_bag_goes_on(tmp_path):
    writer = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=1_000_000)
    with pytest.raises(BagError, match='was not found'):
        writer.add_topic('/arm', 'robots/msg/Arm')
    writer.add_topic('/fix', FIX)
    writer.write(
        TimedMessage(topic='/fix', data=message_bytes(FIX, {}), log_time_ns=1, publish_time_ns=1)
    )
    assert writer.close().message_count == 1


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_killed_writing_thread_is_known_to_be_dead_and_leaves_a_whole_bag(tmp_path):
    bag = BagWriter(tmp_path / 'bag')
    writer = BackgroundWriter(bag, max_queue_bytes=1_000_000)
    writer.add_topic('/fix', FIX)

    def die():
        raise SystemExit

    writer._soon(die)
    deadline = time.monotonic() + 60
    while not writer.is_finished and time.monotonic() < deadline:
        time.sleep(0.01)
    state = writer.state()
    assert 'thread died' in state.failure
    dead = [part for part in watched_parts() if part.name == 'bag writer' and part.death]
    assert [part.death for part in dead] == ['SystemExit']
    writer.close()
    with BagReader(tmp_path / 'bag') as reader:
        assert reader.damage == ()
