# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What killed recorders and damage leave, in every storage and compression."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
import yaml
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from rosbags import rosbag2
from rosbags.highlevel import AnyReader
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags.bounds import zstd
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import metadata_records
from roof_detector.bags.recovery import recover
from roof_detector.bags.schemas import message_schema

from .bag_content import information, numbers, snapshot

IMAGE = 'sensor_msgs/msg/CompressedImage'
MCAP, SQLITE = StoragePlugin.MCAP, StoragePlugin.SQLITE3
MODES = {
    'plain': CompressionMode.NONE,
    'chunk': CompressionMode.STORAGE,
    'message': CompressionMode.MESSAGE,
    'file': CompressionMode.FILE,
}


def image(number, *, size=60_000):
    pixels = np.random.default_rng(number).integers(0, 255, size, np.uint8)
    return message_bytes(IMAGE, {'header': {'stamp': {'sec': number}}, 'data': pixels})


def rosbag(path, mode='plain', *, plugin=MCAP, numbers=range(40), version=9):
    """Write a bag as rosbag2 does, through the rosbags library."""
    writer = rosbag2.Writer(path, version=version, storage_plugin=plugin)
    writer.set_compression(MODES[mode], CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/image', IMAGE, typestore=get_typestore(Stores.LATEST))
        for number in numbers:
            writer.write(connection, 1_000 + number, image(number))
    return path


def split(path, mode='plain', *, plugin=MCAP, counts=(5, 5, 5)):
    """Write a bag of several files, named and described as rosbag2 does after splits."""
    path.mkdir()
    first, names, information = 0, [], {}
    for number, count in enumerate(counts):
        part = rosbag(path / 'part', mode, plugin=plugin, numbers=range(first, first + count))
        first += count
        (file,) = [one for one in part.iterdir() if one.name != 'metadata.yaml']
        name = file.name.replace('part', f'{path.name}_{number}', 1)
        file.rename(path / name)
        names.append(name)
        information = yaml.safe_load((part / 'metadata.yaml').read_text())
        shutil.rmtree(part)
    about = information['rosbag2_bagfile_information']
    about['relative_file_paths'] = names
    about['message_count'] = first
    about['topics_with_message_count'][0]['message_count'] = first
    about['files'] = [
        {
            'path': name,
            'starting_time': {'nanoseconds_since_epoch': 1_000},
            'duration': {'nanoseconds': 4},
            'message_count': count,
        }
        for name, count in zip(names, counts, strict=True)
    ]
    about['compression_mode'] = about['compression_mode'].upper()  # as rosbag2 itself writes it
    (path / 'metadata.yaml').write_text(yaml.safe_dump(information))
    return path


def flipped(file, place):
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 0x55
    file.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize('plugin', [MCAP, SQLITE], ids=lambda plugin: plugin.name)
@pytest.mark.parametrize('mode', MODES)
def test_a_bag_with_nothing_wrong_stays_as_it_is_to_the_byte(tmp_path, plugin, mode):
    if (plugin, mode) == (SQLITE, 'chunk'):
        pytest.skip('SQLite has no chunks')
    path = split(tmp_path / 'bag', mode, plugin=plugin)
    before = snapshot(path)
    recovery = recover(path)
    assert (recovery.changed, recovery.message_count) == (False, 15)
    assert snapshot(path) == before
    assert numbers(path) == list(range(15))
    assert {one.name for one in path.iterdir()} == {file.name for file in before}


@pytest.mark.parametrize('plugin', [MCAP, SQLITE], ids=lambda plugin: plugin.name)
@pytest.mark.parametrize('mode', MODES)
def test_a_killed_recording_without_metadata_gives_all_its_files(tmp_path, plugin, mode):
    if (plugin, mode) == (SQLITE, 'chunk'):
        pytest.skip('SQLite has no chunks')
    path = split(tmp_path / 'bag', mode, plugin=plugin)
    (path / 'metadata.yaml').unlink()
    if mode == 'file':  # the last file is compressed when it ends, which it did not
        last = path / f'bag_2{".mcap" if plugin == MCAP else ".db3"}'
        last.write_bytes(zstd.decompress((path / f'{last.name}.zstd').read_bytes()))
        (path / f'{last.name}.zstd').unlink()
    if plugin == MCAP and mode != 'message':
        last = next(iter(path.glob('bag_2.mcap*')))
        if mode != 'file':
            last.write_bytes(last.read_bytes()[:-200])
    recovery = recover(path)
    assert recovery.message_count == 15
    assert numbers(path) == list(range(15))
    described = information(path)
    ending = '.mcap' if plugin == MCAP else '.db3'
    ending += '.zstd' if mode == 'file' else ''
    assert described['relative_file_paths'] == [f'bag_{n}{ending}' for n in range(3)]
    told = {'file': ('FILE', 'zstd'), 'message': ('MESSAGE', 'zstd')}.get(mode, ('', ''))
    assert (described['compression_mode'], described['compression_format']) == told
    with AnyReader([path]) as bag:
        assert len(list(bag.messages())) == 15
    before = snapshot(path)
    assert not recover(path).changed
    assert snapshot(path) == before


def test_what_an_earlier_recovery_broke_is_mended(tmp_path):
    path = split(tmp_path / 'bag', 'message', plugin=SQLITE)
    text = (path / 'metadata.yaml').read_text()
    text = text.replace('compression_mode: MESSAGE', "compression_mode: ''")
    (path / 'metadata.yaml').write_text(text)
    with BagReader(path) as bag, pytest.raises(BagError):
        bag.deserialize(next(bag.messages()))
    assert recover(path).metadata_written
    assert numbers(path) == list(range(15))


def test_a_file_that_was_being_compressed_counts_once(tmp_path):
    path = split(tmp_path / 'bag', 'file')
    (path / 'metadata.yaml').unlink()
    packed = (path / 'bag_1.mcap.zstd').read_bytes()
    (path / 'bag_1.mcap').write_bytes(zstd.decompress(packed))
    (path / 'bag_1.mcap.zstd').write_bytes(packed[: len(packed) // 2])
    recovery = recover(path)
    assert recovery.message_count == 15
    assert any('the latter counts' in note for note in recovery.notes)
    assert numbers(path) == list(range(15))
    assert (recovery.kept / 'bag_1.mcap.zstd').read_bytes() == packed[: len(packed) // 2]
    assert not (path / 'bag_1.mcap').exists()


def test_a_compressed_file_that_was_cut_off_is_read_and_mended_as_far_as_it_goes(tmp_path):
    path = rosbag(tmp_path / 'bag', 'file')
    file = path / 'bag.mcap.zstd'
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    with BagReader(path) as bag:
        found = len(list(bag.messages()))
        assert 'ends too early' in bag.damage[0]
    assert 0 < found < 40
    recovery = recover(path)
    assert found <= recovery.message_count < 40
    assert numbers(path) == list(range(recovery.message_count))


def test_an_empty_file_behind_a_split_is_put_aside_and_named(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', range(30), max_file_s=1.0)
    (path / 'bag_3.mcap').write_bytes(b'')
    recovery = recover(path)
    assert any('bag_3.mcap is empty' in note for note in recovery.notes)
    assert not (path / 'bag_3.mcap').exists()
    assert (recovery.kept / 'bag_3.mcap').read_bytes() == b''
    assert recovery.repaired == ()
    assert flights.numbers(BagReader(path)) == list(range(30))
    assert not recover(path).changed


def test_a_file_that_metadata_lacks_is_named_by_readers_and_taken_in_by_recovery(
    tmp_path, flights
):
    path = flights.write(tmp_path / 'bag', range(30), max_file_s=1.0)
    described = information(path)
    described['relative_file_paths'] = described['relative_file_paths'][:2]
    text = yaml.safe_dump({'rosbag2_bagfile_information': described})
    (path / 'metadata.yaml').write_text(text)
    with BagReader(path) as bag:
        assert flights.numbers(bag) == list(range(20))
        assert 'bag_2.mcap lies in' in bag.damage[0]
    recovery = recover(path)
    assert recovery.metadata_written and not recovery.repaired
    assert (recovery.kept / 'metadata.yaml').read_text() == text
    assert flights.numbers(BagReader(path)) == list(range(30))
    assert BagReader(path).damage == ()


def test_an_empty_file_that_metadata_names_does_not_hide_the_others(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', range(30), max_file_s=1.0)
    (path / 'bag_2.mcap').write_bytes(b'')
    with BagReader(path) as bag:
        assert flights.numbers(bag) == list(range(20))
        assert 'bag_2.mcap is empty' in bag.damage[0]
    assert recover(path).message_count == 22
    assert information(path)['relative_file_paths'] == ['bag_0.mcap', 'bag_1.mcap']


def test_a_damaged_byte_in_a_cut_off_file_costs_its_chunk_alone(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag', range(100), compression='none')
    file = path / 'bag_0.mcap'
    content = bytearray(file.read_bytes())
    place = content.index(flights.detections(52)[:20])
    content[place - 30] ^= 0xFF  # the length of a message in the eleventh of twenty chunks
    file.write_bytes(content)
    path = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    with BagReader(path) as bag:
        assert flights.numbers(bag) == [n for n in range(100) if n // 5 != 10]
        assert '1 of 20 chunks of bag_0.mcap are damaged' in bag.damage[0]
    recovery = recover(path)
    assert (recovery.kept / 'bag_0.mcap').read_bytes() == content
    with BagReader(path) as bag:
        times = {message.log_time_ns for message in bag.messages()}
    assert times >= {flights.START_NS + n * 10**8 for n in range(100) if n // 5 != 10}
    assert recovery.doubtful_messages + recovery.lost_messages > 0
    (about,) = [v for name, v in metadata_records(path) if name == 'roof_detector.recovery']
    assert about['doubtful_messages'] == str(recovery.doubtful_messages)


@pytest.mark.parametrize('mode', ['plain', 'chunk', 'message'])
def test_a_finished_bag_with_a_damaged_chunk_is_read_around_it(tmp_path, mode):
    path = rosbag(tmp_path / 'bag', mode, numbers=range(60))
    file = path / 'bag.mcap'
    content = bytearray(file.read_bytes())
    place = len(content) // 2
    content[place : place + 3000] = bytes(3000)
    file.write_bytes(content)
    with BagReader(path) as bag:
        found = len(list(bag.messages()))
    assert 30 < found <= 60
    recover(path)
    with BagReader(path) as bag:
        assert len(list(bag.messages())) >= found
        assert bag.damage == ()


def test_lost_definitions_of_a_killed_recording_come_from_its_metadata(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag', range(20))
    path = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    file = path / 'bag_0.mcap'
    content = bytearray(file.read_bytes())
    content[60:1200] = bytes(1140)  # the first chunk, which holds schemas and channels
    file.write_bytes(content)
    with BagReader(path) as bag:
        assert flights.numbers(bag) == list(range(5, 20))
    recover(path)
    assert set(flights.numbers(BagReader(path))) >= set(range(5, 20))
    lone = tmp_path / 'lone.mcap'
    lone.write_bytes(content)
    recover(lone)
    with BagReader(lone) as bag:
        assert {topic.name for topic in bag.topics} >= {'/recovered/channel_2'}
        assert bag.message_count >= 15


def test_several_files_one_behind_the_other_give_all_their_messages(tmp_path):
    parts = []
    for number, topic in enumerate(('/front', '/rear')):
        with (tmp_path / f'{number}.mcap').open('wb') as stream:
            writer = Writer(stream, chunk_size=4096, compression=CompressionType.LZ4)
            writer.start('ros2', 'two cameras')
            text = message_schema(IMAGE).text.encode()
            schema = writer.register_schema(IMAGE, 'ros2msg', text)
            channel = writer.register_channel(topic, 'cdr', schema)
            for count in range(10):
                data = image(10 * number + count, size=900)
                writer.add_message(channel, 1_000 + 10 * number + count, data, 0)
            writer.finish()
        parts.append((tmp_path / f'{number}.mcap').read_bytes())
    both = tmp_path / 'both.mcap'
    both.write_bytes(b''.join(parts))
    with BagReader(both) as bag:
        assert {topic.name: topic.message_count for topic in bag.topics} == {
            '/front': 10,
            '/rear': 10,
        }
    recover(both)
    assert numbers(both) == list(range(20))
    with both.open('rb') as stream:
        found = [channel.topic for _, channel, _ in make_reader(stream).iter_messages()]
    assert found == ['/front'] * 10 + ['/rear'] * 10
    assert not recover(both).changed


def test_attachments_and_records_of_others_survive_recovery(tmp_path):
    file = tmp_path / 'a.mcap'
    with file.open('wb') as stream:
        writer = Writer(stream, compression=CompressionType.NONE)
        writer.start('ros2', 'a lab')
        writer.add_attachment(1, 2, 'calibration.txt', 'text/plain', b'focal length')
        writer.add_metadata('remark', {'chimney': 'cracked'})
        schema = writer.register_schema(IMAGE, 'ros2msg', message_schema(IMAGE).text.encode())
        channel = writer.register_channel('/image', 'cdr', schema)
        writer.add_message(channel, 5, image(1, size=100), 5)
        writer.finish()
    content = file.read_bytes()
    file.write_bytes(content[:-60])
    assert recover(file).message_count == 1
    with file.open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True)
        assert [one.data for one in reader.iter_attachments()] == [b'focal length']
        assert [one.name for one in reader.iter_metadata()] == ['remark', 'roof_detector.recovery']
    assert file.with_name('a.mcap.before_recovery').read_bytes() == content[:-60]


@pytest.mark.parametrize('journal', ['wal', 'delete'])
def test_what_sqlite_left_beside_its_file_is_read_and_taken_in(tmp_path, journal):
    path = rosbag(tmp_path / 'bag', plugin=SQLITE, numbers=range(5))
    database = sqlite3.connect(path / 'bag.db3', isolation_level=None)
    database.execute(f'PRAGMA journal_mode={journal}')
    database.execute('PRAGMA cache_size=1')
    database.execute('BEGIN')
    for number in range(5, 25):
        row = (1, 1_000 + number, image(number))
        database.execute('INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)', row)
    if journal == 'wal':
        database.execute('COMMIT')
    killed = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    database.close()
    # Of a transaction that was never finished nothing counts, of one in the WAL all.
    wanted = list(range(25 if journal == 'wal' else 5))
    assert (killed / ('bag.db3-wal' if journal == 'wal' else 'bag.db3-journal')).stat().st_size
    before = snapshot(killed)
    assert numbers(killed) == wanted
    assert snapshot(killed) == before
    recovery = recover(killed)
    assert recovery.message_count == len(wanted)
    assert numbers(killed) == wanted
    left = {one.name for one in killed.iterdir()} - {'bag.db3-shm'}
    assert left == {'bag.db3', 'before_recovery', 'metadata.yaml'}
    with closing(sqlite3.connect(killed / 'bag.db3')) as again:
        assert again.execute('PRAGMA integrity_check').fetchone() == ('ok',)


def test_a_damaged_sqlite_file_costs_the_rows_of_its_pages_alone(tmp_path):
    path = rosbag(tmp_path / 'bag', plugin=SQLITE, numbers=range(60))
    file = path / 'bag.db3'
    content = bytearray(file.read_bytes())
    noise = np.random.default_rng(7).bytes(0x2000)
    content[0x1000 * 40 : 0x1000 * 42] = noise  # within the tree of messages
    content[100:108] = b'\0' * 8  # the root of all tables
    file.write_bytes(content)
    with BagReader(file) as bag:
        found = len(list(bag.messages()))
        assert 'is damaged' in bag.damage[0]
    assert found >= 55
    recovery = recover(path)
    assert recovery.message_count == found
    assert (recovery.kept / 'bag.db3').read_bytes() == content
    assert len(numbers(path)) == found
    with closing(sqlite3.connect(file)) as database:
        assert database.execute('PRAGMA integrity_check').fetchone() == ('ok',)


def test_the_output_option_leaves_the_damaged_bag_alone(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag', range(20))
    path = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    before = snapshot(path)
    recovery = recover(path, output=tmp_path / 'repaired')
    assert (recovery.path, recovery.message_count) == (tmp_path / 'repaired', 20)
    assert snapshot(path) == before
    assert flights.numbers(BagReader(tmp_path / 'repaired')) == list(range(20))
    with pytest.raises(BagError, match='exists already'):
        recover(path, output=tmp_path / 'repaired')


def test_a_repair_that_cannot_be_read_replaces_nothing(tmp_path, flights, monkeypatch):
    path = flights.cut_off(tmp_path / 'bag', range(20))
    path = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    before = snapshot(path)
    monkeypatch.setattr(
        'roof_detector.bags.mcap_rebuild.MessageIndex.write', lambda *_: None, raising=True
    )
    with pytest.raises(BagError, match=r'[Nn]othing was changed'):
        recover(path)
    assert snapshot(path) == before
    assert {one.name for one in path.iterdir()} == {'bag_0.mcap', 'metadata.yaml'}


def test_a_file_that_somebody_still_writes_is_left_alone(tmp_path):
    path = rosbag(tmp_path / 'bag')
    (path / 'metadata.yaml').unlink()
    code = 'import sys; f = open(sys.argv[1], "r+b"); print("open", flush=True); input()'
    with subprocess.Popen(
        [sys.executable, '-c', code, path / 'bag.mcap'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        with pytest.raises(BagError, match=f'by process {process.pid}'):
            recover(path)
        process.communicate('\n')
    assert recover(path).message_count == 40


@pytest.mark.parametrize('version', [8, 9])
def test_what_metadata_says_besides_stays(tmp_path, version):
    path = rosbag(tmp_path / 'bag', version=version)
    text = (path / 'metadata.yaml').read_text().replace('message_count: 40', 'message_count: 39')
    content = yaml.safe_load(text)
    content['rosbag2_bagfile_information']['custom_data'] = {'pilot': 'Ann'}
    content['rosbag2_bagfile_information']['a_later_version_says'] = [1, 'two']
    (path / 'metadata.yaml').write_text(yaml.safe_dump(content))
    assert recover(path).metadata_written
    described = information(path)
    assert described['version'] == version
    assert described['custom_data'] == {'pilot': 'Ann'}
    assert described['a_later_version_says'] == [1, 'two']
    assert described['message_count'] == 40
    assert not recover(path).changed
