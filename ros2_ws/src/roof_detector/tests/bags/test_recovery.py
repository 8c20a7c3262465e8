# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from rosbags import rosbag2
from rosbags.highlevel import AnyReader
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.writer import BagWriter

from .bag_content import information


def test_a_folder_without_anything_in_it_is_refused(tmp_path):
    with pytest.raises(BagError, match='nothing to recover'):
        recover(tmp_path)
    with pytest.raises(BagError, match='There is no bag'):
        recover(tmp_path / 'nothing')


def test_a_whole_bag_is_left_as_it_is(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', manifest={'model': '7'})
    before, described = (path / 'bag_0.mcap').read_bytes(), information(path)
    recovery = recover(path)
    assert (recovery.repaired, recovery.message_count, recovery.lost_bytes) == ((), 21, 0)
    assert (path / 'bag_0.mcap').read_bytes() == before
    assert information(path) == described


def test_lost_metadata_is_rebuilt_as_it_was(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', range(30), max_file_s=0.2, manifest={'model': '7'})
    described = information(path)
    (path / 'metadata.yaml').unlink()
    assert recover(path).message_count == 31 + 14  # the labels open every file
    assert information(path) == described
    assert len(described['files']) == 15


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1))
@example(share=0.51953125)  # of this one only metadata.yaml still tells the offered QoS
def test_a_recovered_bag_is_whole_for_every_reader(cut_off_flights, share):
    path = cut_off_flights('lz4')
    file = path / 'bag_0.mcap'
    whole = file.read_bytes()
    cut = 8 + round(share * (len(whole) - 8))
    file.write_bytes(whole[:cut])
    with BagReader(path) as bag:
        readable = list(bag.messages())
    recovery = recover(path)
    assert recovery.repaired == ('bag_0.mcap',)
    assert (recovery.kept / 'bag_0.mcap').read_bytes() == whole[:cut]
    with BagReader(path) as bag:
        assert bag.damage == ()
        recovered = list(bag.messages())
    # The chunk that the file was cut in gives messages too, which readers leave alone.
    assert recovered[: len(readable)] == readable
    assert recovery.message_count == len(recovered) >= len(readable)
    with AnyReader([path]) as bag:
        assert [raw for _, _, raw in bag.messages()] == [message.data for message in recovered]
    with file.open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True)
        assert reader.get_summary().statistics.message_count == len(recovered)
        assert len(list(reader.iter_messages())) == len(recovered)
    assert recover(path).repaired == ()


def test_a_lone_file_is_recovered_without_a_folder(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag')
    lone = (path / 'bag_0.mcap').rename(tmp_path / 'lone.mcap')
    assert recover(lone).message_count == 20
    with AnyReader([lone]) as bag:
        assert bag.message_count == 20
    assert not (tmp_path / 'metadata.yaml').exists()


@pytest.mark.parametrize('mode', [CompressionMode.NONE, CompressionMode.STORAGE])
def test_a_bag_of_another_recorder_is_recovered_too(tmp_path, mode):
    kind = 'sensor_msgs/msg/CompressedImage'
    pixels = np.random.default_rng(0).integers(0, 255, 50_000, np.uint8)
    data = message_bytes(kind, {'data': pixels})
    writer = rosbag2.Writer(tmp_path / 'bag', version=9, storage_plugin=rosbag2.StoragePlugin.MCAP)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        store = get_typestore(Stores.ROS2_JAZZY)
        connection = writer.add_connection('/image', kind, typestore=store)
        for number in range(200):
            writer.write(connection, number, data)
    file = tmp_path / 'bag' / 'bag.mcap'
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 6 // 10])
    recovery = recover(tmp_path / 'bag')
    assert 0 < recovery.message_count < 200
    with AnyReader([tmp_path / 'bag']) as bag:
        assert len(list(bag.messages())) == recovery.message_count


def test_what_a_killed_recorder_leaves_is_the_same_before_and_after_recovery(tmp_path):
    kind = 'sensor_msgs/msg/CompressedImage'
    data = message_bytes(kind, {'data': bytes(700_000)})
    writer = BagWriter(tmp_path / 'bag', compression='none', flush_period_s=1e9, max_file_s=3e-9)
    writer.add_topic('/image', kind)
    found = []
    for number in range(1, 13):
        writer.write('/image', data, log_time_ns=number)
        # What the kernel has of the files at this moment is what a SIGKILL leaves.
        left = shutil.copytree(tmp_path / 'bag', tmp_path / str(number))
        with BagReader(left) as bag:
            found.append(len(list(bag.messages())))
        assert recover(left).message_count >= found[-1]
    assert found == sorted(found)
    assert found[-1] >= 12 - 2
    writer.close()


def test_a_bag_that_cannot_be_mended_says_why(tmp_path):
    (tmp_path / 'bag_0.mcap').write_bytes(b'no mcap at all')
    with pytest.raises(BagError, match='another kind of file'):
        recover(tmp_path)
