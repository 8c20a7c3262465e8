# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability

from roof_detector.bags.errors import BagError, DiskFull
from roof_detector.bags.writer import BagWriter

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_bag_is_whole(tmp_path):
    with BagWriter(tmp_path / 'bag'):
        pass
    with AnyReader([tmp_path / 'bag']) as bag:
        assert (bag.message_count, bag.topics) == (0, {})


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
def test_rosbags_reads_what_was_written(tmp_path, flights, compression):
    path = flights.write(tmp_path / 'bag', compression=compression, manifest={'model': '7'})
    with AnyReader([path]) as bag:
        read = [(c.topic, t, raw) for c, t, raw in bag.messages()]
        latched = next(c for c in bag.connections if c.topic == '/detector/labels')
    assert len(read) == 21
    assert read[1:] == [
        ('/detector/detections', flights.START_NS + n * 100_000_000, flights.detections(n))
        for n in range(20)
    ]
    assert latched.ext.offered_qos_profiles[0].durability == QosDurability.TRANSIENT_LOCAL


def test_mcaps_own_reader_reads_it_with_times_schemas_and_manifest(tmp_path, flights):
    path = flights.write(tmp_path / 'bag', manifest={'model': '7'})
    with (path / 'bag_0.mcap').open('rb') as file:
        reader = make_reader(file, validate_crcs=True)
        messages = list(reader.iter_messages(topics=['/detector/detections']))
        records = {record.name: record.metadata for record in reader.iter_metadata()}
    schema, channel, message = messages[3]
    assert (schema.name, schema.encoding, channel.message_encoding) == (
        flights.DETECTIONS,
        'ros2msg',
        'cdr',
    )
    assert b'MSG: vision_msgs/ObjectHypothesis' in schema.data
    assert channel.metadata['topic_type_hash'].startswith('RIHS01_')
    assert message.log_time - message.publish_time == 1_000
    assert records['roof_detector'] == {'model': '7'}
    assert 'serialized_metadata' in records['rosbag2']


def test_metadata_is_true_after_every_flush_not_only_at_the_end(tmp_path, flights):
    writer = BagWriter(tmp_path / 'bag')
    assert information(tmp_path / 'bag')['message_count'] == 0
    flights.fill(writer, range(5))
    writer.flush()
    during = information(tmp_path / 'bag')
    assert during['message_count'] == 6
    assert during['starting_time']['nanoseconds_since_epoch'] == flights.START_NS
    assert during['duration']['nanoseconds'] == 400_000_000
    writer.close()
    after = information(tmp_path / 'bag')
    assert after == during
    assert after['version'] == 9


def test_quality_of_service_is_written_as_jazzy_writes_it(tmp_path, flights):
    topics = information(flights.write(tmp_path / 'bag'))['topics_with_message_count']
    latched = next(
        t['topic_metadata'] for t in topics if t['topic_metadata']['name'] == '/detector/labels'
    )
    forever = {'sec': 9223372036, 'nsec': 854775807}
    assert latched['offered_qos_profiles'] == [
        {
            'history': 'unknown',
            'depth': 0,
            'reliability': 'reliable',
            'durability': 'transient_local',
            'deadline': forever,
            'lifespan': forever,
            'liveliness': 'automatic',
            'liveliness_lease_duration': forever,
            'avoid_ros_namespace_conventions': False,
        }
    ]


def test_messages_reach_the_disk_within_the_flush_period_without_a_close(tmp_path, flights):
    writer = BagWriter(tmp_path / 'bag', flush_period_s=0.0)
    flights.fill(writer, range(3))
    size = (tmp_path / 'bag' / 'bag_0.mcap').stat().st_size
    flights.append(writer, [3])
    assert (tmp_path / 'bag' / 'bag_0.mcap').stat().st_size > size


@pytest.mark.parametrize(
    'limit', [{'max_file_bytes': 2_000}, {'max_file_s': 0.5}], ids=['by size', 'by time']
)
def test_a_long_flight_is_split_into_files_that_stand_alone(tmp_path, flights, limit):
    path = flights.write(tmp_path / 'bag', range(30), flush_period_s=0.0, **limit)
    files = sorted(path.glob('*.mcap'), key=lambda file: int(file.stem.split('_')[1]))
    assert len(files) > 2
    counts, published, labels = [], [], []
    for file in files:
        with AnyReader([file]) as bag:
            counts.append(bag.message_count)
            published += [raw for c, _, raw in bag.messages() if c.topic != '/detector/labels']
            labels.append(next(raw for _, _, raw in bag.messages()))
    assert published == [flights.detections(number) for number in range(30)]
    # Each begins with the latched labels, so that it can be understood without the others.
    assert sum(counts) == 30 + len(files) and len(set(labels)) == 1
    described = information(path)['files']
    assert [file['message_count'] for file in described] == counts
    assert [file['path'] for file in described] == [file.name for file in files]
    with AnyReader([path]) as bag:
        assert [t for _, t, _ in bag.messages()] == sorted(t for _, t, _ in bag.messages())
        assert len(list(bag.messages())) == sum(counts)


def test_a_folder_or_file_that_exists_is_never_overwritten(tmp_path, flights):
    path = flights.write(tmp_path / 'bag')
    before = (path / 'bag_0.mcap').read_bytes()
    with pytest.raises(BagError, match='exists already and is not overwritten'):
        BagWriter(path)
    assert (path / 'bag_0.mcap').read_bytes() == before
    (tmp_path / 'file').touch()
    with pytest.raises(BagError, match='a file of that name exists'):
        BagWriter(tmp_path / 'file')


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(BagError, match=r'file/bag cannot be created \(Not a directory\)'):
        BagWriter(tmp_path / 'file' / 'bag')


def test_a_place_that_is_closed_to_us_is_named(closed_folder, unprivileged):
    with pytest.raises(BagError, match=r'cannot be created \(Permission denied\)'):
        BagWriter(closed_folder / 'bags' / 'bag')


def test_below_the_floor_of_free_space_no_bag_is_begun(tmp_path):
    with pytest.raises(DiskFull, match=r'GB free, less than the 1000000\.00 GB'):
        BagWriter(tmp_path / 'bag', min_free_bytes=10**15)
    assert not (tmp_path / 'bag').exists()


def test_a_full_disk_ends_the_bag_whole(tmp_path, flights):
    margin = 256 << 20
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with BagWriter(tmp_path / 'bag', min_free_bytes=free - margin) as writer:
        flights.fill(writer, range(5))
        with (tmp_path / 'filler').open('wb') as filler:
            os.posix_fallocate(filler.fileno(), 0, 2 * margin)
            with pytest.raises(DiskFull):
                writer.flush()
    with AnyReader([tmp_path / 'bag']) as bag:
        assert bag.message_count == 6


def test_misuse_is_refused_in_a_sentence(tmp_path, flights):
    writer = BagWriter(tmp_path / 'bag')
    with pytest.raises(BagError, match='was not added'):
        writer.write('/fix', b'', log_time_ns=1)
    flights.fill(writer, [])
    with pytest.raises(BagError, match='a topic is added once'):
        writer.add_topic('/detector/labels', flights.LABELS)
    writer.close()
    with pytest.raises(BagError, match='is closed'):
        writer.write('/detector/labels', b'', log_time_ns=1)
    with pytest.raises(BagError, match="none, lz4, zstd, not 'brotli'"):
        BagWriter(tmp_path / 'other', compression='brotli')


def information(path: Path):
    return yaml.safe_load((path / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
