# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What happens where one file of a bag ends and the next begins."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from rosbags.highlevel import AnyReader

from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.bag_folder import PART_SUFFIX
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import metadata_records
from roof_detector.bags.recovery import recover
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter

IMAGE = 'sensor_msgs/msg/CompressedImage'
MAGIC = b'\x89MCAP0\r\n'


def image(number, size_bytes=20_000):
    stamp = {'header': {'stamp': {'sec': number}}, 'data': os.urandom(size_bytes)}
    return message_bytes(IMAGE, stamp)


class Moments:
    """Copies of a bag's folder, taken before every operation on its files, as a kill leaves it."""

    def __init__(self, folder, target):
        self.folder, self.target = folder, target
        self.copies, self.written = [], 0
        self._busy = False
        sys.addaudithook(self._note)  # there is no way to remove one
        self.active = True

    def _note(self, event, arguments):
        if not getattr(self, 'active', False) or self._busy or not self.folder.is_dir():
            return
        paths = [part for part in arguments if isinstance(part, str | Path)]
        if event not in {'open', 'os.rename', 'os.remove', 'os.truncate'} or not any(
            str(path).startswith(str(self.folder)) for path in paths
        ):
            return
        self._busy = True
        copy = self.target / str(len(self.copies))
        shutil.copytree(self.folder, copy)
        self.copies.append((copy, self.written, (event, *map(str, paths))))
        self._busy = False


@pytest.mark.parametrize('keeps', [True, False], ids=['flushed at once', 'flushed seldom'])
def test_whenever_a_kill_comes_no_file_is_empty_missing_or_unknown(tmp_path, flights, keeps):
    (tmp_path / 'moments').mkdir()
    moments = Moments(tmp_path / 'bag', tmp_path / 'moments')
    writer = BagWriter(
        tmp_path / 'bag', max_file_s=0.45, flush_period_s=0.0 if keeps else 1e9, compression='none'
    )
    try:
        flights.fill(writer, [])
        for number in range(10):
            flights.append(writer, [number])
            if keeps:
                moments.written = number + 1
        writer.close()
    finally:
        moments.active = False
    splits = [moment for moment in moments.copies if moment[2][0] == 'os.rename']
    assert len(splits) >= 5
    for copy, written, moment in moments.copies:
        files = {file.name for file in copy.glob('*.mcap')}
        if not files:
            continue  # nothing has begun
        assert all((copy / name).read_bytes().startswith(MAGIC) for name in files), moment
        described = yaml.safe_load((copy / 'metadata.yaml').read_text()) if written else None
        if described:
            named = set(described['rosbag2_bagfile_information']['relative_file_paths'])
            assert named <= files, moment
            # Between the renaming of a file and that of metadata.yaml it holds nothing new.
            for name in files - named:
                with BagReader(copy / name) as reader:
                    assert flights.numbers(reader) == [], moment
            with BagReader(copy) as reader:
                numbers = flights.numbers(reader)
            assert numbers == list(range(len(numbers))) and len(numbers) >= written, moment
        recover(copy)
        with AnyReader([copy]) as reader:
            assert reader.message_count == len(list(reader.messages()))


def test_a_state_that_is_asked_for_all_the_time_ends_no_recording(tmp_path):
    """Nothing that another thread looks at may be closed by the writing one."""
    bag = BagWriter(tmp_path / 'bag', max_file_bytes=30_000, flush_period_s=0.05, sync_behind=True)
    writer = BackgroundWriter(bag, max_queue_bytes=1 << 30)
    writer.add_topic('/image', IMAGE)
    stop, seen, errors = threading.Event(), [], []

    def look():
        try:
            while not stop.is_set():
                seen.append(writer.state())
        except BaseException as error:
            errors.append(error)

    onlooker = threading.Thread(target=look)
    onlooker.start()
    for number in range(300):
        writer.write(
            TimedMessage(
                topic='/image', data=image(number), log_time_ns=number, publish_time_ns=number
            )
        )
        time.sleep(0.002)
    state = writer.close()
    stop.set()
    onlooker.join()
    assert errors == []
    assert (state.message_count, state.dropped, state.failure) == (300, {}, '')
    sizes = [one.size_bytes for one in seen]
    assert sizes == sorted(sizes)
    files = sorted(bag.path.glob('*.mcap'))
    assert len(files) > 5
    assert state.size_bytes == sum(file.stat().st_size for file in files)


def test_a_split_on_a_disk_that_stands_still_holds_up_no_message(tmp_path, monkeypatch):
    """The next file is made while the present one goes on, so a kill costs no more than ever."""
    bag = BagWriter(tmp_path / 'bag', max_file_bytes=50_000, flush_period_s=0.1, sync_behind=True)
    stands_still = threading.Event()
    for name in ('fsync', 'fdatasync'):
        sync = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda descriptor, sync=sync: (stands_still.wait(120), sync(descriptor))
        )
    writer = BackgroundWriter(bag, max_queue_bytes=1 << 30)
    writer.add_topic('/image', IMAGE)
    for number in range(40):
        writer.write(
            TimedMessage(
                topic='/image', data=image(number), log_time_ns=number, publish_time_ns=number
            )
        )
        time.sleep(0.01)
    numbers, deadline = [], time.monotonic() + 100  # the disk goes on after 120 s
    while len(numbers) < 40 and time.monotonic() < deadline:
        time.sleep(0.1)  # a flush period
        left = shutil.copytree(tmp_path / 'bag', tmp_path / f'left_at_{time.monotonic_ns()}')
        with BagReader(left) as reader:
            numbers = [reader.deserialize(one).header.stamp.sec for one in reader.messages()]
    assert numbers == list(range(40))
    stands_still.set()
    for number in range(40, 60):
        writer.write(
            TimedMessage(
                topic='/image', data=image(number), log_time_ns=number, publish_time_ns=number
            )
        )
    state = writer.close()
    assert (state.message_count, state.failure) == (60, '')
    with BagReader(tmp_path / 'bag') as reader:
        assert reader.damage == ()
        numbers = [reader.deserialize(message).header.stamp.sec for message in reader.messages()]
    assert numbers == list(range(60))
    assert list((tmp_path / 'bag').glob(f'*{PART_SUFFIX}')) == []


def test_a_file_made_for_what_never_came_is_not_left_behind(tmp_path):
    """The bag ends in the moment between the making of the next file and its first message."""
    writer = BagWriter(tmp_path / 'bag', max_file_bytes=1_000, sync_behind=True)
    writer.add_topic('/image', IMAGE)
    for number in range(2):
        writer.write('/image', image(number, 1_200_000), log_time_ns=number)
    writer._chain.coming.result()
    assert len(list(writer.path.glob('*.mcap'))) == 2
    writer.close()
    with AnyReader([writer.path]) as reader:
        assert reader.message_count == 2
    described = yaml.safe_load((writer.path / 'metadata.yaml').read_text())
    names = described['rosbag2_bagfile_information']['relative_file_paths']
    assert names == sorted(file.name for file in writer.path.glob('*.mcap')) == ['bag_0.mcap']


def test_a_topic_and_manifest_that_come_while_the_next_file_is_made_are_in_it(tmp_path):
    writer = BagWriter(tmp_path / 'bag', max_file_bytes=1_000, sync_behind=True)
    writer.add_topic('/image', IMAGE)
    for number in range(2):
        writer.write('/image', image(number, 1_200_000), log_time_ns=number)
    writer._chain.coming.result()
    writer.add_topic('/late', IMAGE)
    writer.update_manifest({'model': 'late'})
    writer.write('/late', image(2), log_time_ns=2)
    writer.close()
    with AnyReader([writer.path / 'bag_1.mcap']) as reader:
        assert [c.topic for c, _, _ in reader.messages()] == ['/late']
    late = [v for n, v in metadata_records(writer.path / 'bag_1.mcap') if n == 'roof_detector']
    assert late[-1] == {'model': 'late'}
