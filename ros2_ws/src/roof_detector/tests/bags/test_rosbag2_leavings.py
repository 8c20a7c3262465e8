# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever `ros2 bag record`, `ros2 bag reindex`, our recorder or a recovery leave when killed.

The files are those of rosbag2 0.26: the tables and pragmas of its SQLite storage, the presets of
its MCAP storage, its names, and its compression of files and messages. No metadata.yaml is there
before a recording ends.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import yaml
from mcap.writer import CompressionType, Writer
from rosbags.highlevel import AnyReader

from roof_detector.bags.bounds import zstd
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_records import MAGIC
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.schemas import message_schema

from .bag_content import information, numbers, snapshot

IMAGE = 'sensor_msgs/msg/CompressedImage'
SQLITE_TABLES = (
    'CREATE TABLE schema(schema_version INTEGER PRIMARY KEY,ros_distro TEXT NOT NULL);',
    'CREATE TABLE metadata(id INTEGER PRIMARY KEY,metadata_version INTEGER NOT NULL,'
    'metadata TEXT NOT NULL);',
    'CREATE TABLE topics(id INTEGER PRIMARY KEY,name TEXT NOT NULL,type TEXT NOT NULL,'
    'serialization_format TEXT NOT NULL,offered_qos_profiles TEXT NOT NULL,'
    'type_description_hash TEXT NOT NULL);',
    'CREATE TABLE message_definitions(id INTEGER PRIMARY KEY,topic_type TEXT NOT NULL,'
    'encoding TEXT NOT NULL,encoded_message_definition TEXT NOT NULL,'
    'type_description_hash TEXT NOT NULL);',
    'CREATE TABLE messages(id INTEGER PRIMARY KEY,topic_id INTEGER NOT NULL,'
    'timestamp INTEGER NOT NULL, data BLOB NOT NULL);',
    'CREATE INDEX timestamp_idx ON messages (timestamp ASC);',
)
# The storage presets that `ros2 bag record --storage-preset-profile` offers.
SQLITE_PRESETS = {
    'none': ('journal_mode=MEMORY', 'synchronous=OFF'),
    'resilient': ('journal_mode=WAL', 'synchronous=NORMAL'),
}
MCAP_PRESETS = {
    'none': {'compression': CompressionType.NONE},
    'fastwrite': {'use_chunking': False},
    'zstd_fast': {'compression': CompressionType.ZSTD},
}
PER_FILE = 8


def content(number, mode):
    pixels = np.random.default_rng(number).integers(0, 255, 20_000, np.uint8)
    data = message_bytes(IMAGE, {'header': {'stamp': {'sec': number}}, 'data': pixels})
    return zstd.compress(data) if mode == 'message' else data


def begin_sqlite(file, preset, *, tables=SQLITE_TABLES):
    database = sqlite3.connect(file, isolation_level=None)
    for pragma in SQLITE_PRESETS[preset]:
        database.execute(f'PRAGMA {pragma}')
    database.execute('PRAGMA cache_size=2')  # a cache that is full spills into the file
    for table in tables:
        database.execute(table)
    if len(tables) == len(SQLITE_TABLES):
        database.execute("INSERT INTO schema VALUES (4, 'jazzy')")
        database.execute("INSERT INTO topics VALUES (1, '/image', ?, 'cdr', '[]', '')", (IMAGE,))
        text = message_schema(IMAGE).text
        row = (IMAGE, 'ros2msg', text, '')
        database.execute('INSERT INTO message_definitions VALUES (1, ?, ?, ?, ?)', row)
    return database


def write_sqlite(file, chosen, mode, *, preset, killed=''):
    """Write a file as rosbag2 does; killed within a transaction, or between two."""
    database = begin_sqlite(file, preset)
    committed = chosen[: len(chosen) // 2] if killed == 'within' else chosen
    insert = 'INSERT INTO messages (timestamp, topic_id, data) VALUES (?, 1, ?)'
    for part in (committed, chosen[len(committed) :]):
        database.execute('BEGIN')
        database.executemany(insert, ((1_000 + n, content(n, mode)) for n in part))
        if part is committed:
            database.execute('COMMIT')
    if killed:
        left = shutil.copytree(file.parent, file.parent.with_name('left'))
        database.close()
        shutil.rmtree(file.parent)
        left.rename(file.parent)
    else:
        database.execute('COMMIT')
        database.close()
    return committed


def write_mcap(file, chosen, mode, *, preset, killed=''):
    with file.open('wb') as stream:
        writer = Writer(stream, chunk_size=60_000, **MCAP_PRESETS[preset])
        writer.start(profile='ros2', library='libmcap 1.3.0')
        writer.add_metadata('rosbag2', {'serialized_metadata': 'version: 9\nros_distro: jazzy\n'})
        schema = writer.register_schema(IMAGE, 'ros2msg', message_schema(IMAGE).text.encode())
        channel = writer.register_channel('/image', 'cdr', schema, {'offered_qos_profiles': '[]'})
        for number in chosen:
            writer.add_message(
                channel, log_time=1_000 + number, data=content(number, mode), publish_time=0
            )
        if not killed:
            writer.finish()
    if killed == 'within':  # within a write of its stream
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) - 7_000])
    if not killed:
        return chosen
    assert not file.read_bytes().endswith(MAGIC)
    return chosen[: len(chosen) // 4]


LAYOUTS = [
    (storage, preset, mode, killed)
    for storage, presets in (('sqlite3', SQLITE_PRESETS), ('mcap', MCAP_PRESETS))
    for preset in presets
    for mode in ('none', 'file', 'message')
    for killed in ('within', 'between')
]


@pytest.mark.parametrize(('storage', 'preset', 'mode', 'killed'), LAYOUTS)
def test_a_killed_recording_is_recovered_in_every_storage_and_compression(
    tmp_path, storage, preset, mode, killed
):
    path = tmp_path / 'bag'
    path.mkdir()
    suffix, write = {'sqlite3': ('.db3', write_sqlite), 'mcap': ('.mcap', write_mcap)}[storage]
    certain = []
    for number in range(3):
        chosen = list(range(number * PER_FILE, (number + 1) * PER_FILE))
        file = path / f'bag_{number}{suffix}'
        is_last = number == 2
        certain += write(file, chosen, mode, preset=preset, killed=killed if is_last else '')
        if mode == 'file' and not is_last:  # compressed behind a split, and then deleted
            packed = zstd.compress(file.read_bytes())
            if number == 1:  # a kill within that leaves both
                packed = packed[: len(packed) // 3]
            else:
                file.unlink()
            (path / f'{file.name}.zstd').write_bytes(packed)
    before = snapshot(path)
    recovery = recover(path)
    found = numbers(path)
    assert found == sorted(set(found)) and set(certain) <= set(found) <= set(range(24))
    assert recovery.message_count == len(found)
    # A write that was cut off is no loss of what had been written, and every old file is there.
    assert recovery.is_whole or killed == 'within'
    for file, (old, _) in before.items():
        now = {one.read_bytes() for one in path.rglob(file.name)}
        assert old in now, file.name
    with AnyReader([path]) as bag:
        assert len(list(bag.messages())) == len(found)
    described = information(path)
    ending = f'{suffix}.zstd' if mode == 'file' else suffix
    names = [f'bag_{number}{ending}' for number in range(3)]
    assert described['relative_file_paths'] == names
    # What `ros2 bag reindex` looks at is what metadata.yaml names.
    assert sorted(one.name for one in path.iterdir() if one.is_file()) == [*names, 'metadata.yaml']
    assert described['compression_mode'] == ('' if mode == 'none' else mode.upper())
    again = snapshot(path)
    assert not recover(path).changed
    assert snapshot(path) == again


def flight(path, *, count=2):
    path.mkdir()
    for number in range(count):
        chosen = range(number * PER_FILE, (number + 1) * PER_FILE)
        write_mcap(path / f'bag_{number}.mcap', chosen, 'none', preset='none')
    return path


BEGUN = {
    'nothing': b'',
    'a part of its magic': b'\x89MCA',
    'half a header': b'\x89MCAP0\r\n\x01\x20\x00\x00',
}


@pytest.mark.parametrize('begun', BEGUN)
@pytest.mark.parametrize('name', ['bag_2.mcap', 'bag_2.mcap.part', 'bag_2.mcap.zstd'])
def test_a_file_that_was_only_begun_is_put_aside_or_completed(tmp_path, begun, name):
    path = flight(tmp_path / 'bag')
    data = BEGUN[begun]
    (path / name).write_bytes(zstd.compress(data) if name.endswith('zstd') and data else data)
    recovery = recover(path)
    assert recovery.message_count == 2 * PER_FILE
    assert numbers(path) == list(range(2 * PER_FILE))
    named = information(path)['relative_file_paths']
    assert sorted(one.name for one in path.iterdir() if one.is_file()) == [*named, 'metadata.yaml']
    assert any(name in note for note in recovery.notes)
    assert (recovery.kept / name).exists()
    assert not recover(path).changed


@pytest.mark.parametrize('tables', range(len(SQLITE_TABLES)))
def test_an_sqlite_file_whose_tables_were_not_made_yet_is_put_aside(tmp_path, tables):
    path = tmp_path / 'bag'
    path.mkdir()
    write_sqlite(path / 'bag_0.db3', range(5), 'none', preset='none')
    begin_sqlite(path / 'bag_1.db3', 'none', tables=SQLITE_TABLES[:tables]).close()
    if tables < 5:
        assert any('bag_1.db3' in note for note in recover(path).notes)
        assert not (path / 'bag_1.db3').exists()
    else:
        assert recover(path).is_whole
    assert numbers(path) == list(range(5))


def test_a_part_with_messages_is_taken_in_and_one_that_is_there_twice_counts_once(tmp_path):
    path = flight(tmp_path / 'bag', count=3)
    whole = (path / 'bag_2.mcap').read_bytes()
    (path / 'bag_2.mcap').rename(path / 'bag_2.mcap.part')
    (path / 'bag_1.mcap.part').write_bytes((path / 'bag_1.mcap').read_bytes()[:50_000])
    recovery = recover(path)
    assert numbers(path) == list(range(3 * PER_FILE))
    assert information(path)['relative_file_paths'] == [f'bag_{n}.mcap' for n in range(3)]
    assert (path / 'bag_2.mcap').read_bytes() == whole
    assert not list(path.glob('*.part'))
    assert {one.name for one in recovery.kept.iterdir()} >= {'bag_1.mcap.part', 'bag_2.mcap.part'}


def test_a_lone_part_is_recovered_under_its_own_name(tmp_path):
    path = flight(tmp_path / 'bag', count=1)
    whole = (path / 'bag_0.mcap').read_bytes()
    part = path / 'bag_7.mcap.part'
    part.write_bytes(whole[:-300])
    recovery = recover(part)
    assert (recovery.path, recovery.message_count) == (path / 'bag_7.mcap', PER_FILE)
    assert recovery.kept.read_bytes() == whole[:-300] and not part.exists()
    assert numbers(path / 'bag_7.mcap') == list(range(PER_FILE))
    part.write_bytes(whole)
    with pytest.raises(BagError, match='exists already'):
        recover(part)
    assert part.read_bytes() == whole


def test_what_an_interrupted_recovery_left_is_finished_or_removed(tmp_path):
    path = flight(tmp_path / 'bag', count=3)
    recover(path)
    staging = path / '.recovery.part'
    staging.mkdir()
    shutil.copy(path / 'bag_0.mcap', staging)
    (staging / 'bag_9.mcap').write_bytes(b'half of it')
    # On FAT an old file has but one name: killed before the new one took its place.
    (path / 'bag_2.mcap').rename(staging / 'bag_2.mcap')
    kept = path / 'before_recovery'
    kept.mkdir(exist_ok=True)
    (kept / 'bag_2.mcap').write_bytes(b'the damaged one')
    (path / 'metadata.yaml.part').write_text('rosbag2_bag')
    recovery = recover(path)
    assert numbers(path) == list(range(3 * PER_FILE))
    assert not staging.exists() and not (path / 'metadata.yaml.part').exists()
    assert any('metadata.yaml.part' in note for note in recovery.notes)
    assert (kept / 'bag_2.mcap').read_bytes() == b'the damaged one'


def test_a_folder_beside_the_output_is_not_taken_for_our_own(tmp_path):
    path = flight(tmp_path / 'bag')
    mine = tmp_path / 'mended.part'
    mine.mkdir()
    (mine / 'diary.txt').write_text('mine')
    recover(path, output=tmp_path / 'mended')
    assert (mine / 'diary.txt').read_text() == 'mine'
    assert numbers(tmp_path / 'mended') == list(range(2 * PER_FILE))


def test_what_reindex_leaves_of_a_compressed_bag_stays_or_gets_its_compression_back(tmp_path):
    path = flight(tmp_path / 'bag')
    for file in list(path.glob('*.mcap')):  # reindex unpacks each file beside itself
        (path / f'{file.name}.zstd').write_bytes(zstd.compress(file.read_bytes()))
    packed = {file: file.read_bytes() for file in path.glob('*.zstd')}
    recover(path)
    assert {file: file.read_bytes() for file in path.glob('*.zstd')} == packed
    assert not list(path.glob('bag_*.mcap'))
    text = (path / 'metadata.yaml').read_text()
    broken = yaml.safe_load(text)
    about = broken['rosbag2_bagfile_information']
    about |= {'compression_mode': '', 'compression_format': ''}
    (path / 'metadata.yaml').write_text(yaml.safe_dump(broken))
    assert recover(path).metadata_written
    assert information(path)['compression_mode'] == 'FILE'
    with BagReader(path) as bag:
        assert bag.damage == ()


def test_all_empty_files_are_refused_and_stay(tmp_path):
    path = tmp_path / 'bag'
    path.mkdir()
    for name in ('bag_0.mcap', 'bag_1.mcap.part', 'metadata.yaml'):
        (path / name).write_bytes(b'')
    before = snapshot(path)
    with pytest.raises(BagError, match='nothing to recover'):
        recover(path)
    assert snapshot(path) == before


def test_a_database_of_somebody_else_is_not_taken_for_one_that_was_begun(tmp_path):
    with closing(sqlite3.connect(tmp_path / 'notes.db3')) as database:
        database.execute('CREATE TABLE notes(text TEXT)')
    with pytest.raises(BagError, match='not an SQLite file of a bag'):
        recover(tmp_path / 'notes.db3')
