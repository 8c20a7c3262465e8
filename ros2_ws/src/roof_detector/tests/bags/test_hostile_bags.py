# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bags that were made to exhaust memory or time, or to lead out of their folder."""

from __future__ import annotations

import bz2
import functools
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing

import lz4.frame
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags import bounds
from roof_detector.bags.bounds import unpack, zstd
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.metadata import from_yaml, read_metadata
from roof_detector.bags.qos import recorded_qos
from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import metadata_records
from roof_detector.bags.recovery import recover
from roof_detector.bags.typestore import shared_typestore

IMAGE = 'sensor_msgs/msg/CompressedImage'
FIX = 'sensor_msgs/msg/NavSatFix'
_BOMB_BYTES = 512 << 20  # more than any chunk or message may be
# Python with NumPy and rosbags takes 100 MB; a chunk may take its largest size of 320 MiB, and
# once more while the decompressor's buffer grows. Without bounds it is twice _BOMB_BYTES.
_MOST_PEAK_MB = 800
_MEASURE = """
import sys
from pathlib import Path
from roof_detector.bags import bounds
from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
path = Path(sys.argv[1])
bounds.FILE_RATIO_FREE_BYTES = 128 << 20  # a GiB written takes long on some disks
for work in (lambda: sum(1 for _ in BagReader(path).messages()), lambda: recover(path)):
    try:
        print(work())
    except BagError as error:
        print(f'BagError: {error}')
# ru_maxrss begins with the peak of the process that started this one; VmHWM begins anew.
status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())
print(f"peak {int(status['VmHWM'].split()[0]) // 1024}")
"""


@functools.cache
def zeros(packs, size=_BOMB_BYTES):
    """Return zeros, compressed piece by piece so that the test itself stays small."""
    compressor = packs()
    begin = compressor.begin() if hasattr(compressor, 'begin') else b''
    piece = bytes(1 << 24)
    parts = [begin, *(compressor.compress(piece) for _ in range(size // len(piece)))]
    return b''.join((*parts, compressor.flush()))


def chunk(content, compression, *, size, crc=0):
    fields = struct.pack('<QQQI', 1, 1, size, crc)
    name = compression.encode()
    body = fields + struct.pack('<I', len(name)) + name + struct.pack('<Q', len(content)) + content
    return struct.pack('<BQ', 6, len(body)) + body


def peak_mb(path):
    measured = subprocess.run(
        [sys.executable, '-c', _MEASURE, path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert measured.returncode == 0, measured.stderr
    return int(measured.stdout.rpartition('peak ')[2]), measured.stdout


def three_messages_of_zeros(folder):
    message = zeros(zstd.ZstdCompressor)
    writer = rosbag2.Writer(folder, version=9, storage_plugin=rosbag2.StoragePlugin.MCAP)
    with writer:
        connection = writer.add_connection('/i', IMAGE, typestore=get_typestore(Stores.LATEST))
        for number in range(3):
            writer.write(connection, number, message)
    text = (folder / 'metadata.yaml').read_text()
    text = text.replace("compression_mode: ''", 'compression_mode: MESSAGE')
    text = text.replace("compression_format: ''", 'compression_format: zstd')
    (folder / 'metadata.yaml').write_text(text)
    return folder


def chunks_of_zeros(folder):
    folder.mkdir()
    header = struct.pack('<I', 4) + b'ros2' + struct.pack('<I', 0)
    bomb = b'\x89MCAP0\r\n' + struct.pack('<BQ', 1, len(header)) + header
    bomb += chunk(zeros(zstd.ZstdCompressor), 'zstd', size=_BOMB_BYTES)
    bomb += chunk(zeros(lz4.frame.LZ4FrameCompressor), 'lz4', size=_BOMB_BYTES)
    (folder / 'bomb.mcap').write_bytes(bomb)
    return folder / 'bomb.mcap'


def file_of_zeros(folder):
    writer = rosbag2.Writer(folder, version=9, storage_plugin=rosbag2.StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.FILE, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/i', IMAGE, typestore=get_typestore(Stores.LATEST))
        writer.write(connection, 1, message_bytes(IMAGE, {}))
    (folder / f'{folder.name}.mcap.zstd').write_bytes(
        zeros(zstd.ZstdCompressor, size=3 * _BOMB_BYTES)
    )
    return folder


def blobs_of_zeros(folder):
    writer = rosbag2.Writer(folder, version=9)
    with writer:
        writer.add_connection('/i', IMAGE, typestore=get_typestore(Stores.LATEST))
    with closing(sqlite3.connect(folder / f'{folder.name}.db3')) as database:
        row = 'INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 1, zeroblob(?))'
        database.execute(row, (bounds.MOST_MESSAGE_BYTES + 1,))
        database.commit()
    return folder


@pytest.mark.parametrize(
    'make', [three_messages_of_zeros, chunks_of_zeros, file_of_zeros, blobs_of_zeros]
)
def test_a_bomb_takes_no_more_memory_than_the_largest_chunk(tmp_path, make):
    peak, told = peak_mb(make(tmp_path / 'bag'))
    assert peak < _MOST_PEAK_MB, told


@pytest.mark.parametrize('compression', ['bz2', 'lz4', 'zstd'])
def test_decompression_ends_at_its_bound_with_a_sentence(compression):
    packs = {
        'bz2': bz2.BZ2Compressor,
        'lz4': lz4.frame.LZ4FrameCompressor,
        'zstd': zstd.ZstdCompressor,
    }[compression]
    bomb = zeros(packs, size=96 << 20)
    found = unpack(bomb, compression, most_bytes=32 << 20)
    assert found.content == b''
    assert f'more than {32 << 20} bytes' in found.problem
    whole = unpack(bomb, compression, most_bytes=64 << 20)
    assert 'more than' in whole.problem


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=4000),
    compression=st.sampled_from(['', 'lz4', 'zstd', 'bz2']),
    cut=st.floats(0, 1),
)
def test_what_was_compressed_comes_out_whole_or_as_its_beginning(data, compression, cut):
    pack = {
        '': bytes,
        'bz2': bz2.compress,
        'lz4': lz4.frame.compress,
        'zstd': zstd.compress,
    }[compression]
    packed = pack(data)
    found = unpack(packed, compression, most_bytes=1 << 20)
    assert (found.content, found.problem) == (data, '')
    part = unpack(packed[: int(cut * len(packed))], compression, most_bytes=1 << 20)
    assert data.startswith(part.content)


def test_a_file_is_unpacked_only_while_the_disk_has_room(tmp_path, monkeypatch):
    (tmp_path / 'a.zstd').write_bytes(zstd.compress(bytes(5 << 20)))
    monkeypatch.setattr(bounds, 'DISK_RESERVE_BYTES', shutil.disk_usage(tmp_path).free)
    with pytest.raises(BagError, match='would be left free'):
        bounds.unpack_file(tmp_path / 'a.zstd', tmp_path / 'a')
    monkeypatch.setattr(bounds, 'DISK_RESERVE_BYTES', 0)
    monkeypatch.setattr(bounds, 'FILE_RATIO_FREE_BYTES', 1 << 20)
    with pytest.raises(BagError, match='a recording shrinks at most'):
        bounds.unpack_file(tmp_path / 'a.zstd', tmp_path / 'b')
    assert (tmp_path / 'b').stat().st_size <= 2 << 20


def ros1_bag(path, compression, count=6):
    store = get_typestore(Stores.ROS1_NOETIC)
    writer = rosbag1.Writer(path)
    writer.set_compression(compression)
    with writer:
        writer.chunk_threshold = 1
        connection = writer.add_connection('/fix', FIX, typestore=store)
        for number in range(count):
            data = message_bytes(FIX, {'latitude': float(number)})
            writer.write(connection, 10 + number, shared_typestore().cdr_to_ros1(data, FIX))
    return path


@pytest.mark.parametrize('compression', list(rosbag1.Writer.CompressionFormat))
def test_a_damaged_chunk_of_a_ros_1_bag_is_skipped_and_counted(tmp_path, compression):
    path = ros1_bag(tmp_path / 'a.bag', compression)
    with BagReader(path) as bag:
        assert len(list(bag.messages())) == 6 and bag.damage == ()
    content = bytearray(path.read_bytes())
    magic = {'BZ2': b'BZh', 'LZ4': b'\x04\x22\x4d\x18'}[compression.name]
    places = [n for n in range(len(content)) if content.startswith(magic, n)]
    assert len(places) >= 3
    content[places[1] : places[1] + 4] = b'none'
    path.write_bytes(content)
    with BagReader(path) as bag:
        times = [message.log_time_ns for message in bag.messages()]
        assert len(times) == 6 - 6 // len(places)
        assert f'1 of {len(places)} chunks' in bag.damage[0]


# metadata.yaml ---------------------------------------------------------------------------------

_BOMB = 'a: &a0 [x, x]\n' + ''.join(
    f'b{n}: &a{n + 1} [*a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}]\n'
    for n in range(40)
)


@pytest.mark.parametrize(
    'text',
    [
        _BOMB,
        '&a [*a]',
        '[' * 200_000,
        '- ' * 200_000,
        '{a: ' * 50_000,
        'a: !!python/object/apply:os.system ["touch {canary}"]',
        '!!binary abc',
        '!!timestamp 2001-99-99',
        '? [a]\n: 1',
        'a: *nothing',
        '--- 1\n--- 2',
        'x\0y',
    ],
    ids=lambda text: text[:15],
)
def test_yaml_that_is_made_to_harm_is_refused_at_once(tmp_path, text):
    canary = tmp_path / 'canary'
    began_s = time.process_time()
    with pytest.raises(ValueError, match=r'.'):
        from_yaml(text.replace('{canary}', str(canary)))
    assert time.process_time() - began_s < 5
    assert not canary.exists()
    assert recorded_qos(text) == ()


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**18), 10**18)
        | st.text(st.characters(codec='utf-8', exclude_categories=['Cc', 'Cs']), max_size=12),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(['a', 'b', 'c']), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_yaml_is_read_as_pyyaml_reads_what_it_wrote(content):
    assert from_yaml(yaml.safe_dump(content)) == content


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('relative_file_paths', 'bag_0.mcap'),
        ('relative_file_paths', [7]),
        ('relative_file_paths', None),
        ('storage_identifier', ['mcap']),
        ('message_count', 'many'),
        ('duration', 7),
        ('duration', {'nanoseconds': 'long'}),
        ('custom_data', ['a']),
        ('compression_mode', 3),
        ('topics_with_message_count', [{'topic_metadata': {'name': 1, 'type': 2}}]),
        ('topics_with_message_count', {'a': 1}),
        ('topics_with_message_count', [7]),
    ],
)
def test_metadata_of_the_wrong_kind_is_a_sentence_and_is_mended(tmp_path, flights, key, value):
    path = flights.write(tmp_path / 'bag')
    content = yaml.safe_load((path / 'metadata.yaml').read_text())
    content['rosbag2_bagfile_information'][key] = value
    text = yaml.safe_dump(content)
    (path / 'metadata.yaml').write_text(text)
    with pytest.raises(BagError, match='is not what rosbag2 writes'):
        BagReader(path)
    recovery = recover(path)
    assert (recovery.kept / 'metadata.yaml').read_text() == text
    assert flights.numbers(BagReader(path)) == list(range(20))


def test_a_huge_metadata_is_not_read(tmp_path, flights):
    path = flights.write(tmp_path / 'bag')
    with (path / 'metadata.yaml').open('a') as file:
        file.truncate(1 << 34)
    with pytest.raises(BagError, match='has 17179869184 bytes'):
        read_metadata(path)


# Ways out of the folder ------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path, flights):
    """A bag whose files lie where another bag's must not reach."""
    path = flights.write(tmp_path / 'outside')
    for file in path.iterdir():
        file.chmod(0o444)
    return path


@pytest.mark.parametrize('name', ['../outside/outside_0.mcap', '/{outside}/outside_0.mcap', '..'])
def test_names_in_metadata_lead_nowhere_else(tmp_path, flights, outside, name):
    path = flights.write(tmp_path / 'bag')
    text = (path / 'metadata.yaml').read_text()
    name = name.replace('{outside}', str(outside))
    (path / 'metadata.yaml').write_text(text.replace('- bag_0.mcap', f'- {name}'))
    with pytest.raises(BagError, match='lacks files'):
        BagReader(path)
    before = (outside / 'outside_0.mcap').read_bytes()
    recover(path)
    assert (outside / 'outside_0.mcap').read_bytes() == before
    assert flights.numbers(BagReader(path)) == list(range(20))


def test_links_out_of_the_folder_are_not_followed(tmp_path, flights, outside):
    path = flights.write(tmp_path / 'bag', range(5))
    (path / 'bag_0.mcap').unlink()
    (path / 'bag_0.mcap').symlink_to(outside / 'outside_0.mcap')
    with pytest.raises(BagError, match='leads out of the bag'):
        BagReader(path)
    with pytest.raises(BagError, match='nothing to recover'):
        recover(path)
    assert metadata_records(path) == []


def test_recovery_writes_through_no_link(tmp_path, flights, outside):
    path = flights.cut_off(tmp_path / 'bag')
    path = shutil.copytree(path, tmp_path / 'killed' / 'bag')
    target = outside / 'metadata.yaml'
    before = target.read_bytes()
    (path / 'metadata.yaml').unlink()
    (path / 'metadata.yaml').symlink_to(target)
    (path / 'metadata.yaml.part').symlink_to(target)
    (path / '.recovery.part').symlink_to(outside)
    (path / 'before_recovery').symlink_to(outside)
    recovery = recover(path)
    assert recovery.kept == path / 'before_recovery_2'
    assert target.read_bytes() == before
    assert {one.name for one in outside.iterdir()} == {'metadata.yaml', 'outside_0.mcap'}
    assert not (path / 'metadata.yaml').is_symlink()
    assert flights.numbers(BagReader(path)) == list(range(20))


def test_a_pipe_in_the_folder_does_not_hold_anybody_up(tmp_path, flights):
    path = flights.write(tmp_path / 'bag')
    os.mkfifo(path / 'bag_1.mcap')
    assert not recover(path).changed
    assert flights.numbers(BagReader(path)) == list(range(20))


# Files that lie about themselves ---------------------------------------------------------------


@pytest.mark.parametrize(
    'sql',
    [
        'CREATE VIEW messages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) '
        'SELECT i AS id, 1 AS topic_id, i AS timestamp, zeroblob(1000000) AS data FROM n',
        'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data '
        'GENERATED ALWAYS AS (hex(zeroblob(200000000))) VIRTUAL)',
    ],
    ids=['endless view', 'computed column'],
)
def test_an_sqlite_file_that_computes_its_messages_is_refused(tmp_path, sql):
    path = tmp_path / 'bag'
    with rosbag2.Writer(path, version=9) as writer:
        writer.add_connection('/i', IMAGE, typestore=get_typestore(Stores.LATEST))
    with closing(sqlite3.connect(path / 'bag.db3')) as database:
        database.execute('DROP TABLE messages')
        database.execute(sql)
        if sql.startswith('CREATE TABLE'):
            database.execute('INSERT INTO messages(topic_id, timestamp) VALUES (1, 1)')
        database.commit()
    began_s = time.process_time()
    with BagReader(path) as bag:
        assert list(bag.messages()) == []
        assert 'is damaged' in bag.damage[0]
    assert time.process_time() - began_s < 10


@pytest.mark.parametrize('length', [1 << 62, (1 << 64) - 1, 1 << 40])
@pytest.mark.parametrize('opcode', range(1, 16))
def test_a_record_of_any_kind_with_a_huge_length_ends_no_reader(tmp_path, opcode, length):
    file = tmp_path / 'a.mcap'
    with file.open('wb') as stream:
        writer = Writer(stream, compression=CompressionType.LZ4, chunk_size=500)
        writer.start('ros2', 'x')
        schema = writer.register_schema(FIX, 'ros2msg', b'')
        channel = writer.register_channel('/fix', 'cdr', schema)
        for number in range(10):
            writer.add_message(channel, number, message_bytes(FIX, {}), number)
        writer.finish()
    content = file.read_bytes()
    place = content.index(b'lz4') - 41  # the first chunk
    lie = struct.pack('<BQ', opcode, length)
    file.write_bytes(content[:place] + lie + content[place:])
    with BagReader(file) as bag:
        assert len(list(bag.messages())) == 10
    assert recover(file).message_count == 10


def test_offsets_of_a_summary_that_lead_astray_or_in_a_circle_are_not_followed(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', compression='none')
    file = path / 'bag_0.mcap'
    whole = file.read_bytes()
    for summary_start in (8, 1, len(whole) - 37, len(whole) - 30, 1 << 63):
        content = bytearray(whole)
        struct.pack_into('<QQI', content, len(content) - 28, summary_start, summary_start, 0)
        file.write_bytes(content)
        with BagReader(path) as bag:
            assert flights.numbers(bag) == list(range(20))
    assert recover(path).message_count == 21
    assert flights.numbers(BagReader(path)) == list(range(20))


def test_a_file_of_chunks_within_chunks_ends(tmp_path):
    inner = b''
    for _ in range(300):
        inner = chunk(inner + bytes(100), '', size=1 << 40, crc=7)
    file = tmp_path / 'a.mcap'
    file.write_bytes(b'\x89MCAP0\r\n' + inner)
    began_s = time.process_time()
    with BagReader(file) as bag:
        assert list(bag.messages()) == []
    assert recover(file).message_count == 0
    assert time.process_time() - began_s < 20


def test_a_definition_that_speaks_python_is_text(tmp_path):
    canary = tmp_path / 'canary'
    code = f"__import__('pathlib').Path('{canary}').touch()"
    definitions = [
        f'float64 a = {code}',
        f'string a=\'"); {code}; ("\'',
        f'float64 a\nfloat64 b): {code}',
        f'string A="{code}"\nfloat64 x',
    ]
    names = [FIX, f'a/msg/B"); {code}; ("', f"a/msg/B'\n{code}\n'", f'x\n{code}']
    for number, (name, definition) in enumerate((n, d) for n in names for d in definitions):
        file = tmp_path / f'{number}.mcap'
        with file.open('wb') as stream:
            writer = Writer(stream)
            writer.start('ros2', 'x')
            schema = writer.register_schema(name, 'ros2msg', definition.encode())
            channel = writer.register_channel('/fix', 'cdr', schema)
            writer.add_message(channel, 1, message_bytes(FIX, {}), 1)
            writer.finish()
        with BagReader(file) as bag:
            for message in bag.messages():
                try:
                    bag.deserialize(message)
                except BagError:
                    continue
    assert not canary.exists()
