# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

from roof_detector.bags import disk
from roof_detector.bags.errors import DiskFull
from roof_detector.bags.provenance import RECORDER, provenance
from roof_detector.bags.recovery import recover
from roof_detector.bags.retention_policy import RetentionPolicy, keep
from roof_detector.bags.writer import BagWriter


class Disk:
    """A small disk: the space of the folder's own files counts, as a partition's would."""

    def __init__(self, folder, size_bytes):
        self.folder, self.size_bytes = folder, size_bytes

    def free_bytes(self, _):
        used = sum(f.stat().st_size for f in self.folder.rglob('*.mcap') if not f.is_symlink())
        return self.size_bytes - used


@pytest.fixture
def recordings(tmp_path, flights):
    """Return a folder with three recordings, and the day each was begun in its name."""
    folder = tmp_path / 'bags'
    for day in (3, 1, 2):
        manifest = provenance(written_by=RECORDER) | {'started_at': f'2026-01-0{day}T12:00:00'}
        flights.write(folder / f'day_{day}', manifest=manifest)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_where_nothing_lies_nothing_is_deleted(tmp_path):
    assert not RetentionPolicy(tmp_path / 'missing').delete_recording()
    assert not RetentionPolicy(tmp_path).delete_recording()


def test_recordings_go_oldest_first_and_are_counted(recordings):
    size = sum(file.stat().st_size for file in recordings.glob('day_[12]/*'))
    policy = RetentionPolicy(recordings)
    assert policy.delete_recording()
    assert names(recordings) == ['day_2', 'day_3']
    assert policy.delete_recording()
    assert names(recordings) == ['day_3']
    counted = (policy.deleted_recordings, policy.deleted_files)
    assert (*counted, policy.deleted_bytes) == (2, 4, size)


def test_what_is_protected_in_use_or_not_ours_stays(recordings, tmp_path, flights):
    keep(recordings / 'day_1', reason='crack at the chimney')
    (recordings / 'day_2' / 'notes.txt').write_text('from the customer')
    flights.write(recordings / 'results', manifest={'written_by': 'roof_detector detect'})
    flights.write(recordings / 'of another recorder')
    (recordings / 'images').mkdir()
    elsewhere = flights.write(tmp_path / 'elsewhere', manifest=provenance(written_by=RECORDER))
    (recordings / 'link').symlink_to(elsewhere)
    before = names(recordings)
    with BagWriter(recordings / 'now', manifest=provenance(written_by=RECORDER)) as writer:
        flights.fill(writer, range(3))
        policy = RetentionPolicy(recordings)
        assert policy.delete_recording()  # day_3, the only one that may go
        assert not policy.delete_recording()
    assert names(recordings) == sorted({*before, 'now'} - {'day_3'})
    assert (elsewhere / 'elsewhere_0.mcap').is_file()
    assert RetentionPolicy(recordings).delete_recording()  # it is no longer being written
    assert 'now' not in names(recordings)


def test_a_recorder_makes_room_before_it_gives_up(recordings, flights, monkeypatch):
    small = Disk(recordings, size_bytes=120_000)
    monkeypatch.setattr(disk, 'free_bytes', small.free_bytes)
    policy = RetentionPolicy(recordings)
    used = small.size_bytes - small.free_bytes(recordings)
    keep(recordings / 'day_1', reason='evidence')
    keep(recordings / 'day_3', reason='evidence')
    floor = small.size_bytes - used + 1
    with BagWriter(recordings / 'now', min_free_bytes=floor, retention_policy=policy) as writer:
        assert names(recordings) == ['day_1', 'day_3', 'now']
        flights.fill(writer, range(3))
        writer.flush()
    with pytest.raises(DiskFull, match='must stay free'):
        BagWriter(recordings / 'none', min_free_bytes=120_000, retention_policy=policy)
    assert names(recordings) == ['day_1', 'day_3', 'now']


def test_a_long_recording_lets_go_of_its_own_oldest_files_and_stays_whole(
    tmp_path, flights, monkeypatch
):
    small = Disk(tmp_path, size_bytes=60_000)
    monkeypatch.setattr(disk, 'free_bytes', small.free_bytes)
    policy = RetentionPolicy(tmp_path)
    path = tmp_path / 'bag'
    with BagWriter(
        path,
        flush_period_s=1e9,
        compression='none',
        max_file_bytes=15_000,
        min_free_bytes=20_000,
        retention_policy=policy,
        manifest=provenance(written_by=RECORDER),
    ) as writer:
        flights.fill(writer, [])
        for start in range(0, 400, 20):
            flights.append(writer, range(start, start + 20))
            writer.flush()
        assert small.free_bytes(path) >= 15_000  # the floor, but for the last flush
    assert policy.deleted_files > 0
    assert policy.deleted_recordings == 0
    with AnyReader([path]) as bag:
        times = [t for c, t, _ in bag.messages() if c.topic == '/detector/detections']
        first = next(iter(bag.messages()))[0].topic
        assert bag.message_count == len(list(bag.messages()))
    # The newest are there without a gap, and what is left stands alone.
    newest = flights.START_NS + 399 * 100_000_000
    assert times == list(range(times[0], newest + 1, 100_000_000))
    assert 10 < len(times) < 400
    assert first == '/detector/labels'
    for file in path.glob('*.mcap'):
        with file.open('rb') as stream:
            manifest = next(iter(make_reader(stream).iter_metadata()))
        assert manifest.metadata['written_by'] == RECORDER
    described = (path / 'metadata.yaml').read_text()
    recover(path)
    assert (path / 'metadata.yaml').read_text() == described


def test_a_marked_recording_keeps_all_of_its_files(tmp_path, flights, monkeypatch):
    monkeypatch.setattr(disk, 'free_bytes', Disk(tmp_path, size_bytes=60_000).free_bytes)
    with BagWriter(
        tmp_path / 'bag',
        flush_period_s=1e9,
        compression='none',
        max_file_bytes=5_000,
        min_free_bytes=20_000,
        retention_policy=RetentionPolicy(tmp_path),
    ) as writer:
        keep(writer.path, reason='crack')
        flights.fill(writer, range(300))
        with pytest.raises(DiskFull):
            writer.flush()
            flights.append(writer, range(300, 600))
            writer.flush()
    assert (tmp_path / 'bag' / 'bag_0.mcap').is_file()
