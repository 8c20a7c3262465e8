# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A bag goes on when a disk that was full, or refused, takes data again."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import time

import pytest
from rosbags.highlevel import AnyReader

from roof_detector.bags import background_writer, mcap_file
from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.errors import DiskFull, WriteFailed
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import LATCHED
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter

IMAGE, LABELS, FIX = (
    'sensor_msgs/msg/CompressedImage',
    'vision_msgs/msg/LabelInfo',
    'sensor_msgs/msg/NavSatFix',
)


class InterruptedFlight:
    """A bag written in the background, of numbered images."""

    def __init__(self, folder, *, image_bytes=50_000, **options):
        self.path = folder / 'bag'
        bag = BagWriter(self.path, sync_behind=True, flush_period_s=0.2, **options)
        self.writer = BackgroundWriter(bag, max_queue_bytes=100 << 20)
        self.writer.add_topic('/labels', LABELS, offered_qos=[LATCHED])
        self.writer.add_topic('/image', IMAGE)
        self.writer.write(
            TimedMessage(
                topic='/labels', data=message_bytes(LABELS, {}), log_time_ns=1, publish_time_ns=1
            )
        )
        self.sent = 0
        self._image_bytes = image_bytes

    def send(self, number=1):
        for _ in range(number):
            self.sent += 1
            data = message_bytes(
                IMAGE,
                {'header': {'stamp': {'sec': self.sent}}, 'data': os.urandom(self._image_bytes)},
            )
            self.writer.write(
                TimedMessage(
                    topic='/image', data=data, log_time_ns=self.sent, publish_time_ns=self.sent
                )
            )

    def send_until(self, condition, *, within_s=60.0, pause_s=0.005, most=180):
        end = time.monotonic() + within_s
        while not condition(self.writer.state()):
            assert time.monotonic() < end, self.writer.state()
            if self.sent < most:
                self.send()
            time.sleep(pause_s)

    def numbers(self):
        """Return the numbers of what is read, by our reader and by rosbags alike."""
        with BagReader(self.path) as bag:
            assert bag.damage == ()
            ours = [bag.deserialize(m).header.stamp.sec for m in bag.messages(['/image'])]
        with AnyReader([self.path]) as bag:
            images = [c for c in bag.connections if c.topic == '/image']
            theirs = [
                bag.deserialize(raw, c.msgtype).header.stamp.sec
                for c, _, raw in bag.messages(images)
            ]
        assert ours == theirs
        return ours


def wait_until(condition, *, within_s=60.0):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize('floor_bytes', [0, 2 << 20], ids=['no space left', 'floor reached'])
def test_after_a_full_disk_is_freed_the_bag_goes_on_in_a_new_file_and_nothing_is_lost(
    small_disk, floor_bytes
):
    filler = small_disk / 'filler'
    filler.write_bytes(bytes(8 << 20))
    flight = InterruptedFlight(small_disk, min_free_bytes=floor_bytes)
    flight.send_until(lambda state: state.interruption)
    before = sorted(flight.path.glob('*.mcap'))
    first = flight.numbers()  # complete: a chunk that did not fit left no half of itself
    assert first == list(range(1, len(first) + 1))
    flight.send(5)
    filler.unlink()
    wait_until(lambda: not flight.writer.state().interruption)
    flight.send(5)
    state = flight.writer.close()
    assert (state.failure, state.dropped) == ('', {})
    assert state.interruptions >= 1
    assert flight.numbers() == list(range(1, flight.sent + 1))
    assert len(list(flight.path.glob('*.mcap'))) > len(before)
    with BagReader(flight.path) as bag:
        assert state.message_count == bag.message_count


def test_a_bag_that_ends_on_a_full_disk_counts_what_it_does_not_hold(small_disk):
    flight = InterruptedFlight(small_disk)
    flight.send_until(lambda state: state.interruption, most=1000)
    flight.send(7)
    state = flight.writer.close()
    read = flight.numbers()
    assert read == list(range(1, len(read) + 1))
    assert state.dropped == {'/image': flight.sent - len(read)}
    assert 'GB free' in state.failure or 'No space left' in state.failure


def test_a_disk_that_stays_full_is_not_littered_with_files(small_disk, monkeypatch):
    monkeypatch.setattr(background_writer, '_TRY_AGAIN_AFTER_S', 0.02)
    flight = InterruptedFlight(small_disk)
    flight.send_until(lambda state: state.interruption, most=1000)
    time.sleep(0.5)
    assert len(list(flight.path.glob('*.mcap'))) <= 2
    flight.writer.close()


def test_a_folder_that_somebody_deletes_is_made_again_and_the_loss_is_counted(tmp_path):
    flight = InterruptedFlight(tmp_path)
    flight.send(10)
    wait_until(lambda: flight.writer.state().message_count == 11)
    shutil.rmtree(flight.path)
    flight.send_until(lambda state: state.interruptions, pause_s=0.02)
    wait_until(lambda: not flight.writer.state().interruption)
    flight.send(5)
    state = flight.writer.close()
    read = flight.numbers()
    assert read == list(range(read[0], flight.sent + 1)) and len(read) >= 5
    assert state.dropped == {'/labels': 1, '/image': read[0] - 1}
    assert state.failure == ''
    with BagReader(flight.path) as bag:  # what stands is there again, although its file is gone
        assert next(bag.messages()).topic == '/labels'


def test_a_file_that_somebody_deletes_is_noticed(tmp_path):
    flight = InterruptedFlight(tmp_path)
    flight.send(10)
    wait_until(lambda: flight.writer.state().message_count == 11)
    (flight.path / 'bag_0.mcap').unlink()
    flight.send_until(lambda state: state.interruptions, pause_s=0.02)
    wait_until(lambda: not flight.writer.state().interruption)
    state = flight.writer.close()
    read = flight.numbers()
    assert state.dropped == {'/labels': 1, '/image': flight.sent - len(read)}


@pytest.mark.parametrize('number', [errno.EROFS, errno.EIO, errno.ENOSPC], ids=os.strerror)
@pytest.mark.parametrize('part', [0.0, 0.5, 0.999], ids='after {} of it'.format)
def test_a_write_that_fails_anywhere_leaves_a_whole_file_and_loses_nothing(
    tmp_path, monkeypatch, number, part
):
    """Every write of a chunk, a summary or a record may fail, at any of its bytes."""
    dice, failed = random.Random(number + int(1000 * part)), []
    write = mcap_file._Unbuffered.write

    def fail_now_and_then(out, data):
        if dice.random() < 0.15:
            failed.append(len(data))
            write(out, data[: int(len(data) * part)])
            raise OSError(number, os.strerror(number))
        return write(out, data)

    path = tmp_path / 'bag'
    writer = BagWriter(path, flush_period_s=1e9, max_file_bytes=100_000)
    monkeypatch.setattr(mcap_file._Unbuffered, 'write', fail_now_and_then)
    monkeypatch.setattr(mcap_file, 'CHUNK_BYTES', 20_000)

    def insist(action):
        for _ in range(50):
            try:
                action()
            except (WriteFailed, DiskFull):
                with pytest.MonkeyPatch.context() as healthy:
                    healthy.setattr(mcap_file._Unbuffered, 'write', write)
                    writer.resume()
            else:
                return
        raise AssertionError

    insist(lambda: writer.add_topic('/image', IMAGE))
    for sec in range(1, 61):
        stamp = {'header': {'stamp': {'sec': sec}}, 'data': os.urandom(7_000)}
        data = message_bytes(IMAGE, stamp)
        insist(lambda: writer.write('/image', data, log_time_ns=sec))  # noqa: B023
        if sec % 20 == 0:
            insist(lambda: writer.add_record('mark', {'number': str(sec)}))  # noqa: B023
    monkeypatch.setattr(mcap_file._Unbuffered, 'write', write)
    writer.close()
    assert len(failed) > 10
    # A summary may have been what failed; then it is all that a file lacks.
    for _ in ('as it is', 'after recovery'):
        with BagReader(path) as bag:
            read = [bag.deserialize(message).header.stamp.sec for message in bag.messages()]
        assert read == list(range(1, 61))
        recover(path)
    with AnyReader([path]) as bag:
        assert bag.message_count == 60 == len(list(bag.messages()))


def test_a_message_too_large_for_any_file_is_refused_alone(tmp_path):
    flight = InterruptedFlight(tmp_path, image_bytes=1_000)
    flight.send(3)
    wait_until(lambda: flight.writer.state().message_count == 4)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        flight.writer.write(
            TimedMessage(
                topic='/image', data=os.urandom(3 << 20), log_time_ns=4, publish_time_ns=4
            )
        )
        wait_until(lambda: flight.writer.state().dropped)
        flight.send(3)
        state = flight.writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (state.dropped, state.failure) == ({'/image': 1}, '')
    assert 'File too large' in state.problem
    assert flight.numbers() == [1, 2, 3, 4, 5, 6]


def test_what_cannot_be_written_by_itself_is_counted_and_the_bag_goes_on(tmp_path):
    flight = InterruptedFlight(tmp_path)
    flight.writer.write(TimedMessage(topic='/unknown', data=b'', log_time_ns=1, publish_time_ns=1))
    flight.send(2)
    state = flight.writer.close()
    assert (state.dropped, state.failure) == ({'/unknown': 1}, '')
    assert 'was not added' in state.problem
    assert flight.numbers() == [1, 2]


@pytest.mark.parametrize('time_ns', [-1, -(2**62), 2**63 - 1, 2**70], ids=str)
def test_a_time_that_no_bag_can_hold_costs_no_message(tmp_path, time_ns):
    with BagWriter(tmp_path / 'bag', max_file_s=1.0) as writer:
        writer.add_topic('/fix', FIX)
        for number, log_time_ns in enumerate([5, time_ns, 10**18, 7]):
            data = message_bytes(FIX, {'latitude': float(number)})
            writer.write('/fix', data, log_time_ns=log_time_ns, publish_time_ns=time_ns)
    with BagReader(tmp_path / 'bag') as bag:
        assert bag.damage == ()
        read = sorted(bag.deserialize(message).latitude for message in bag.messages())
    assert read == [0, 1, 2, 3]


def test_closing_takes_no_longer_than_it_may_and_counts_what_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(background_writer, '_FINISH_WITHIN_S', 0.3)

    class SlowWriter(BagWriter):
        def write_message(self, message):
            time.sleep(0.05)
            super().write_message(message)

    writer = BackgroundWriter(SlowWriter(tmp_path / 'bag'), max_queue_bytes=100 << 20)
    writer.add_topic('/fix', FIX)
    for number in range(2000):
        writer.write(
            TimedMessage(
                topic='/fix',
                data=message_bytes(FIX, {}),
                log_time_ns=number,
                publish_time_ns=number,
            )
        )
    begin_s = time.monotonic()
    state = writer.close()
    assert time.monotonic() - begin_s < 60.0  # of the 100 that all would take
    assert state.message_count + state.dropped['/fix'] == 2000
    assert state.dropped['/fix'] > 1000
    with BagReader(tmp_path / 'bag') as bag:
        assert (bag.message_count, bag.damage) == (state.message_count, ())
