# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a power cut leaves: of each file what was synced last, under the names synced last."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.writer import BagWriter


class StrictDisk:
    """The least that POSIX promises: bytes and names survive if and only if they were synced."""

    def __init__(self):
        self._content = {}
        self._names = {}

    def watch(self, monkeypatch):
        for name in ('fsync', 'fdatasync'):
            monkeypatch.setattr(os, name, self._synced(getattr(os, name)))

    def after_the_cut(self, folder, target):
        """Write what is left of a folder to another."""
        target.mkdir()
        for name, inode in self._names[folder.stat().st_ino].items():
            (target / name).write_bytes(self._content.get(inode, b''))
        return target

    def has(self, folder):
        parent = self._names.get(folder.parent.stat().st_ino, {})
        return parent.get(folder.name) == folder.stat().st_ino

    def _synced(self, sync):
        def synced(descriptor):
            sync(descriptor)
            path, status = Path(f'/proc/self/fd/{descriptor}'), os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                entries = {entry.name: entry.inode() for entry in os.scandir(path)}
                self._names[status.st_ino] = entries
            else:
                self._content[status.st_ino] = path.read_bytes()

        return synced


@pytest.fixture
def strict_disk(monkeypatch):
    disk = StrictDisk()
    disk.watch(monkeypatch)
    return disk


def test_a_bag_without_messages_survives_from_its_first_moment(tmp_path, strict_disk):
    writer = BagWriter(tmp_path / 'deep' / 'down' / 'bag')
    for folder in (writer.path, writer.path.parent, writer.path.parent.parent):
        assert strict_disk.has(folder)
    left = strict_disk.after_the_cut(writer.path, tmp_path / 'left')
    with BagReader(left) as bag:
        assert bag.message_count == 0
    writer.close()


@pytest.mark.parametrize('limit', [{}, {'max_file_s': 0.7}], ids=['one file', 'split'])
def test_a_power_cut_costs_no_more_than_what_came_since_the_last_flush(
    tmp_path, flights, strict_disk, limit
):
    writer = BagWriter(tmp_path / 'bag', flush_period_s=1e9, **limit)
    flights.fill(writer, [])
    for number in range(40):
        flights.append(writer, [number])
        if number % 5 == 4:
            writer.flush()
        left = strict_disk.after_the_cut(writer.path, tmp_path / str(number))
        recover(left)
        with BagReader(left) as bag:
            survived = flights.numbers(bag)
        assert survived == list(range(len(survived)))
        assert len(survived) >= number - number % 5 if number % 5 != 4 else number + 1
        assert (left / 'metadata.yaml').stat().st_size > 0
    writer.close()
    whole = strict_disk.after_the_cut(writer.path, tmp_path / 'whole')
    with BagReader(whole) as bag:
        assert (flights.numbers(bag), bag.damage) == (list(range(40)), ())
